#include "job_changes.h"

#include "jval.h"
#include "strutil.h"
#include "strv.h"
#include "unit_lexer.h"
#include "xalloc.h"

static void append_value(struct jval *into, const char *key, const char *value) {
        const char *before = jval_get_str(into, key);
        _cleanup_free_ char *all = before ? xasprintf("%s\n%s", before, value) : xstrdup(value);

        jval_set_str(into, key, all);
}

/* {"[Section] Key=": all its values, "[Section]": ""}. Several assignments of a key are one text of several lines. */
static struct jval *flatten(const struct source_text *sources, size_t n) {
        struct jval *flat = jval_object();

        for (size_t i = 0; i < n; i++) {
                struct diagnostics diagnostics = {0};
                _cleanup_free_ char *section = NULL;
                struct unit_lexer lexer;
                struct unit_token token;

                unit_lexer_init(&lexer, sources[i].path, sources[i].text, sources[i].len, &diagnostics);
                while (unit_lexer_next(&lexer, &token)) {
                        _cleanup_free_ char *key = NULL;

                        if (token.type == UNIT_SECTION) {
                                free(section);
                                section = xasprintf("[%s]", str_or(token.name, ""));
                                jval_set_str(flat, section, "");
                                continue;
                        }
                        key = xasprintf("%s %s=", str_or(section, "[]"), token.name);
                        append_value(flat, key, token.value);
                }
                unit_lexer_done(&lexer);
                diagnostics_done(&diagnostics);
        }
        return flat;
}

char **job_changes(const struct source_text *before, size_t n_before, const struct source_text *now, size_t n_now) {
        _cleanup_jval_ struct jval *old = flatten(before, n_before), *new = flatten(now, n_now);
        char **changes = NULL;

        for (void *i = jval_iter(new); i; i = jval_iter_next(new, i))
                if (!streq_null(jval_get_str(old, jval_iter_key(i)), jval_str(jval_iter_value(i))))
                        strv_append(&changes, jval_iter_key(i));
        for (void *i = jval_iter(old); i; i = jval_iter_next(old, i))
                if (!jval_has(new, jval_iter_key(i)))
                        strv_append(&changes, jval_iter_key(i));
        return changes;
}
