/* Values of Limit=. */
#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "limit.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"
#include "xalloc.h"

#define SLOTS_MAX 1000000

static void append(const struct config_context *context, const char *word, struct limit_uses *uses) {
        const char *colon = strchr(word, ':');
        _cleanup_free_ char *name = xstrndup(word, colon ? (size_t)(colon - word) : strlen(word));
        int64_t slots = 1;

        if (!name_is_valid(name) || (colon && (parse_int64(colon + 1, &slots) < 0 || slots < 1 || slots > SLOTS_MAX))) {
                _cleanup_free_ char *shown = utf8_escape(word, strlen(word), 64);

                config_complain(context,
                                "\"%s\" does not fit; it takes names of limits, each with a number of slots behind "
                                "a colon where it is not one: warehouse, or warehouse:2",
                                shown);
                return;
        }
        if (limit_uses_find(uses, name)) {
                config_complain(context, "%s is named twice; name it once, with all its slots: %s:2", name, name);
                return;
        }
        uses->items = xreallocarray(uses->items, uses->count + 1, sizeof(*uses->items));
        uses->items[uses->count++] = (struct limit_use){.name = STEAL_PTR(name),
                                                        .slots = (unsigned)slots,
                                                        .path = xstrdup(context->path),
                                                        .line = context->line};
}

void config_parse_limits(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        _cleanup_strv_ char **words = NULL;

        if (!*value)
                limit_uses_done(target);
        else if (config_split(context, value, &words))
                STRV_FOREACH (word, words)
                        append(context, *word, target);
}
