/* ${name} in argv: systemd's spelling for a value that stays one word, whatever is in it. */
#include "run_plan.h"

#include <stdlib.h>

#include "exec_reference.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

const char *exec_reference_next(const char *text, const char **ret_name, size_t *ret_len) {
        for (const char *p = strchr(text, '$'); p; p = strchr(p, '$')) {
                const char *end;

                if (p[1] == '$') {
                        p += 2;
                        continue;
                }
                end = p[1] == '{' ? strchr(p, '}') : NULL;
                if (end) {
                        *ret_name = p + 2;
                        *ret_len = (size_t)(end - p - 2);
                        return p;
                }
                p++;
        }
        return NULL;
}

static char *reference_value(const struct jval *parameters, const char *item, const char *name, size_t len) {
        _cleanup_free_ char *key = xstrndup(name, len);

        if (streq(key, "item"))
                return item && *item ? xstrdup(item) : NULL;
        return parameter_text(parameters, key);
}

/* "$$" becomes "$" in what is no reference. */
static void append_literal(char **text, const char *from, size_t len) {
        _cleanup_free_ char *piece = xmalloc(len + 1);
        size_t n = 0;
        char *joined;

        for (size_t i = 0; i < len; i++) {
                piece[n++] = from[i];
                if (from[i] == '$' && i + 1 < len && from[i + 1] == '$')
                        i++;
        }
        piece[n] = '\0';
        joined = xasprintf("%s%s", *text, piece);
        free(*text);
        *text = joined;
}

static void append_value(char **text, const char *value) {
        char *joined = xasprintf("%s%s", *text, value);

        free(*text);
        *text = joined;
}

/* NULL when a reference in it is unset. */
static char *substitute_one(const char *argument, const struct jval *parameters, const char *item) {
        _cleanup_free_ char *text = xstrdup("");
        const char *name = NULL, *found;
        size_t len = 0;

        while ((found = exec_reference_next(argument, &name, &len))) {
                _cleanup_free_ char *value = reference_value(parameters, item, name, len);

                if (!value)
                        return NULL;
                append_literal(&text, argument, (size_t)(found - argument));
                append_value(&text, value);
                argument = name + len + 1;
        }
        append_literal(&text, argument, strlen(argument));
        return STEAL_PTR(text);
}

char **exec_substitute(char *const *exec, const struct jval *parameters, const char *item) {
        char **result = NULL;

        STRV_FOREACH (argument, exec) {
                char *text = substitute_one(*argument, parameters, item);

                if (text)
                        strv_append_take(&result, text);
        }
        return result;
}

/* The value of the parameter when the word is a reference and nothing else. */
static bool is_lone_reference(const char *word, const char **ret_name, size_t *ret_len) {
        return exec_reference_next(word, ret_name, ret_len) == word && (*ret_name)[*ret_len + 1] == '\0';
}

static void append_words_of(char ***result, const char *value) {
        _cleanup_strv_ char **words = strv_split(value, " \t");

        STRV_FOREACH (word, words)
                strv_append(result, *word);
}

char **words_substitute(char *const *words, const struct jval *parameters, bool *ret_open) {
        char **result = NULL;
        const char *name;
        size_t len;

        *ret_open = false;
        STRV_FOREACH (word, words) {
                _cleanup_free_ char *text = substitute_one(*word, parameters, NULL);

                if (!text)
                        *ret_open = true;
                else if (is_lone_reference(*word, &name, &len))
                        append_words_of(&result, text);
                else
                        strv_append(&result, text);
        }
        return result;
}
