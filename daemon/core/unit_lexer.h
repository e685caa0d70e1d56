/* The lexical syntax of systemd's unit files (systemd.syntax(7)): sections, assignments, comments, continued lines.
 * Knows no key.
 *
 * - A line whose first character that is not white space is '#' or ';' is a comment, also between continued lines.
 * - A backslash at the very end of a line joins it with the next line that is no comment; it becomes a space. An even
 * number of backslashes there is text.
 * - White space around a line, and around the first '=', is dropped. An empty value resets (that is the keys' affair).
 * - CRLF ends a line as LF does. A byte order mark at the start is dropped.
 * - '%' is an ordinary character: there are no specifiers.
 * NUL, invalid UTF-8 and lines over UNIT_LINE_MAX are errors; the line is left out and reading goes on, so that all
 * mistakes are told. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "diagnostic.h"

/* As systemd's LONG_LINE_MAX; for a continued line, of all its parts. */
#define UNIT_LINE_MAX ((size_t)1024 * 1024)

enum unit_token_type { UNIT_SECTION, UNIT_ASSIGNMENT };

/* Valid until the next call; the texts may be changed in place. */
struct unit_token {
        enum unit_token_type type;
        unsigned line; /* where it begins: the first line of a continued one */
        char *name;    /* of the section, without brackets; or the key */
        char *value;   /* of an assignment */
};

struct unit_lexer {
        const char *path;
        const char *text;
        size_t len;
        size_t pos;
        unsigned line; /* of pos, from 1 */
        char *logical; /* the current line, joined */
        struct diagnostics *diagnostics;
};

/* path and text are borrowed. */
void unit_lexer_init(struct unit_lexer *lexer, const char *path, const char *text, size_t len,
                     struct diagnostics *diagnostics);
void unit_lexer_done(struct unit_lexer *lexer);
/* False at the end. */
bool unit_lexer_next(struct unit_lexer *lexer, struct unit_token *ret);
