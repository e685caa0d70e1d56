#include "tokens.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "errortext.h"
#include "fileutil.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define FILE_MAX ((size_t)256 * 1024)

static int parse_line(const char *line, struct token *ret) {
        _cleanup_strv_ char **words = strv_split(line, " \t\r");

        if (strv_length(words) != 3 || !name_is_valid(words[0]) || strlen(words[2]) != SECRET_SIZE - 1 ||
            strspn(words[2], "0123456789abcdef") != SECRET_SIZE - 1)
                return -EINVAL;
        if (!streq(words[1], "watch") && !streq(words[1], "act"))
                return -EINVAL;
        *ret = (struct token){.name = xstrdup(words[0]), .may_act = streq(words[1], "act")};
        memcpy(ret->hash, words[2], SECRET_SIZE);
        return 0;
}

int tokens_load(struct tokens *ret, const char *path, char **ret_error) {
        _cleanup_free_ char *text = NULL;
        struct tokens tokens = {0};
        unsigned number = 0;
        char *rest, *line;
        int r = read_file(path, FILE_MAX, &text, NULL);

        if (r < 0 && r != -ENOENT)
                return error_set(ret_error, r, "%s: %s", path, strerror(-r));
        for (rest = text; (line = strsep(&rest, "\n"));) {
                struct token token;

                number++;
                line = strstrip(line);
                if (*line == '\0' || *line == '#')
                        continue;
                if (parse_line(line, &token) < 0) {
                        tokens_done(&tokens);
                        return error_set(
                                ret_error, -EINVAL,
                                "%s:%u: a line is NAME watch|act HASH, as `batch-web --make-token NAME` makes it", path,
                                number);
                }
                GROW(tokens.entries, tokens.n_entries, tokens.capacity);
                tokens.entries[tokens.n_entries++] = token;
        }
        tokens_done(ret);
        *ret = tokens;
        return 0;
}

void tokens_done(struct tokens *tokens) {
        for (size_t i = 0; i < tokens->n_entries; i++)
                free(tokens->entries[i].name);
        free(tokens->entries);
        *tokens = (struct tokens){0};
}

const struct token *tokens_find(const struct tokens *tokens, const char *text) {
        const struct token *found = NULL;
        char hash[SECRET_SIZE];

        secret_hash(text, hash);
        for (size_t i = 0; i < tokens->n_entries; i++)
                if (secret_equal(tokens->entries[i].hash, hash))
                        found = &tokens->entries[i];
        return found;
}
