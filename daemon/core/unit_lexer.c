#include "unit_lexer.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

#define WHITESPACE " \t\r\n"
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
/* Of a wrong line, as much as helps to find it. */
#define EXCERPT_MAX 40

struct physical_line {
        const char *text;
        size_t len; /* without its end */
        unsigned number;
};

void unit_lexer_init(struct unit_lexer *lexer, const char *path, const char *text, size_t len,
                     struct diagnostics *diagnostics) {
        *lexer = (struct unit_lexer){.path = path, .text = text, .len = len, .line = 1, .diagnostics = diagnostics};
        if (len >= strlen(BYTE_ORDER_MARK) && memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
                lexer->pos = strlen(BYTE_ORDER_MARK);
}

void unit_lexer_done(struct unit_lexer *lexer) {
        free(lexer->logical);
        lexer->logical = NULL;
}

static bool next_physical(struct unit_lexer *lexer, struct physical_line *ret) {
        const char *start = lexer->text + lexer->pos, *end;
        size_t left = lexer->len - lexer->pos;

        if (left == 0)
                return false;
        end = memchr(start, '\n', left);
        *ret = (struct physical_line){.text = start, .len = end ? (size_t)(end - start) : left, .number = lexer->line};
        lexer->pos += ret->len + (end ? 1 : 0);
        lexer->line++;
        if (ret->len > 0 && ret->text[ret->len - 1] == '\r')
                ret->len--;
        return true;
}

static bool is_comment(const struct physical_line *line) {
        size_t i = 0;

        while (i < line->len && strchr(WHITESPACE, line->text[i]) && line->text[i])
                i++;
        return i < line->len && (line->text[i] == '#' || line->text[i] == ';');
}

/* What makes a line unusable whatever stands in it; NULL when nothing does. */
static const char *physical_fault(const struct physical_line *line) {
        if (memchr(line->text, 0, line->len))
                return "a NUL byte; job files are text";
        if (!utf8_is_valid(line->text, line->len))
                return "invalid UTF-8; save the file as UTF-8";
        return NULL;
}

/* An odd number of backslashes at the end joins; in pairs they are text. */
static bool is_continued(const struct physical_line *line) {
        size_t n = 0;

        while (n < line->len && line->text[line->len - 1 - n] == '\\')
                n++;
        return n % 2 == 1;
}

/* Joins the physical lines of one logical line behind `line` into lexer->logical. False when it is unusable, which has
 * been told. */
static bool join_lines(struct unit_lexer *lexer, struct physical_line line) {
        _cleanup_buf_ struct buf joined = BUF_INIT(UNIT_LINE_MAX);
        unsigned first = line.number;
        bool usable = true, fits = true;

        for (;;) {
                bool continued = is_continued(&line);
                const char *fault = physical_fault(&line);

                if (fault) {
                        diagnostics_error(lexer->diagnostics, lexer->path, line.number, "the line has %s", fault);
                        usable = false;
                }
                fits = fits && buf_append(&joined, line.text, line.len - (continued ? 1 : 0)) == 0;
                fits = fits && (!continued || buf_append_char(&joined, ' ') == 0);
                if (!continued)
                        break;
                do
                        continued = next_physical(lexer, &line);
                while (continued && is_comment(&line));
                if (!continued)
                        break;
        }
        if (!fits)
                diagnostics_error(lexer->diagnostics, lexer->path, first,
                                  "the line is too long; at most %zu bytes are read", UNIT_LINE_MAX);
        free(lexer->logical);
        lexer->logical = buf_steal(&joined);
        return usable && fits;
}

/* For messages: the beginning of a wrong text, in new memory. */
static char *excerpt(const char *text) {
        char *shown = utf8_escape(text, strlen(text), EXCERPT_MAX);

        if (strlen(shown) < strlen(text)) {
                char *longer = xasprintf("%s...", shown);

                free(shown);
                return longer;
        }
        return shown;
}

static bool take_section(struct unit_lexer *lexer, char *text, unsigned line, struct unit_token *ret) {
        size_t len = strlen(text);

        if (text[len - 1] != ']' || len < 3 || strcspn(text + 1, "[]") != len - 2) {
                _cleanup_free_ char *shown = excerpt(text);

                diagnostics_error(lexer->diagnostics, lexer->path, line,
                                  "\"%s\" is no section header; write [Name] alone on its line", shown);
                /* What follows belongs to a section nonetheless, just to one that cannot be known. */
                *ret = (struct unit_token){.type = UNIT_SECTION, .line = line, .name = NULL};
                return true;
        }
        text[len - 1] = '\0';
        *ret = (struct unit_token){.type = UNIT_SECTION, .line = line, .name = strstrip(text + 1)};
        return true;
}

static bool take_assignment(struct unit_lexer *lexer, char *text, unsigned line, struct unit_token *ret) {
        char *equals = strchr(text, '=');

        if (!equals || equals == text) {
                _cleanup_free_ char *shown = excerpt(text);

                diagnostics_error(lexer->diagnostics, lexer->path, line, "\"%s\" has no %s; write Key=value", shown,
                                  equals ? "key" : "\"=\"");
                return false;
        }
        *equals = '\0';
        *ret = (struct unit_token){
                .type = UNIT_ASSIGNMENT, .line = line, .name = strstrip(text), .value = strstrip(equals + 1)};
        return true;
}

bool unit_lexer_next(struct unit_lexer *lexer, struct unit_token *ret) {
        struct physical_line line;

        while (next_physical(lexer, &line)) {
                char *text;

                if (is_comment(&line)) {
                        const char *fault = physical_fault(&line);

                        if (fault)
                                diagnostics_error(lexer->diagnostics, lexer->path, line.number, "the comment has %s",
                                                  fault);
                        continue;
                }
                if (!join_lines(lexer, line))
                        continue;
                text = strstrip(lexer->logical);
                if (!*text)
                        continue;
                if (*text == '[' ? take_section(lexer, text, line.number, ret)
                                 : take_assignment(lexer, text, line.number, ret))
                        return true;
        }
        return false;
}
