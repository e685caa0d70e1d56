#include "missing.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "strutil.h"
#include "xalloc.h"

#define REASONS_SHOWN 5
#define REASONS_TEXT_MAX ((size_t)2000)
/* More kinds of reasons than this are no kinds: the rest is counted under one heading. */
#define REASONS_MAX 50
#define REASON_OTHER "other"

static struct jval *member(struct jval *object, const char *key, struct jval *(*make)(void)) {
        if (!jval_has(object, key))
                jval_set(object, key, make());
        return jval_get(object, key);
}

/* "item: reason"; a reason that tells nothing is told as such. New memory, both. */
static void split(const char *value, char **ret_item, char **ret_reason) {
        const char *colon = strstr(value, ": ");
        size_t len = strlen(value);

        if (!colon && len > 0 && value[len - 1] == ':')
                colon = value + len - 1;
        *ret_item = xstrndup(value, colon ? (size_t)(colon - value) : len);
        *ret_reason = xstrdup(colon ? colon + 1 + strspn(colon + 1, " ") : "");
        if (**ret_reason && strcasecmp(*ret_reason, "unknown reason") != 0 && strcasecmp(*ret_reason, "unknown") != 0)
                return;
        free(*ret_reason);
        *ret_reason = xstrdup(MISSING_REASON_UNKNOWN);
}

static void count_reason(struct jval *missing, const char *reason) {
        struct jval *reasons = member(missing, "reasons", jval_object);

        if (!jval_has(reasons, reason) && jval_object_size(reasons) >= REASONS_MAX)
                reason = REASON_OTHER;
        jval_set_int(reasons, reason, jval_get_int(reasons, reason, 0) + 1);
}

static void recount(struct jval *missing) {
        jval_set_int(missing, "count",
                     (int64_t)jval_array_size(jval_get(missing, "items")) + jval_get_int(missing, "more", 0));
}

void missing_add(struct jval *metadata, int64_t number, const char *value) {
        struct jval *missing = member(metadata, "missing", jval_object), *items, *entry;
        _cleanup_free_ char *item = NULL, *reason = NULL;

        items = member(missing, "items", jval_array);
        if (number <= (int64_t)jval_array_size(items))
                return;
        split(value, &item, &reason);
        entry = jval_object();
        jval_set_str(entry, "item", item);
        jval_set_str(entry, "reason", reason);
        jval_add(items, entry);
        count_reason(missing, reason);
        recount(missing);
}

void missing_set_more(struct jval *metadata, int64_t more) {
        struct jval *missing = member(metadata, "missing", jval_object);

        jval_set_int(missing, "more", more);
        recount(missing);
}

/* The most frequent reason that is rarer than the one before (or as frequent and later in the list). */
static void *next_reason(const struct jval *reasons, void *before) {
        void *best = NULL;
        bool is_behind = false;

        for (void *i = jval_iter(reasons); i; i = jval_iter_next(reasons, i)) {
                int64_t count = jval_int(jval_iter_value(i), 0);
                int64_t limit = before ? jval_int(jval_iter_value(before), 0) : INT64_MAX;

                if (before && streq(jval_iter_key(i), jval_iter_key(before)))
                        is_behind = true;
                else if ((count < limit || (count == limit && is_behind)) &&
                         (!best || count > jval_int(jval_iter_value(best), 0)))
                        best = i;
        }
        return best;
}

char *missing_reasons_text(const struct jval *metadata) {
        const struct jval *missing = jval_get(metadata, "missing"), *reasons = jval_get(missing, "reasons");
        _cleanup_buf_ struct buf text = BUF_INIT(REASONS_TEXT_MAX);
        size_t shown = 0;
        void *reason = NULL;

        if (jval_get_int(missing, "count", 0) == 0)
                return NULL;
        while (shown < REASONS_SHOWN && reasons && (reason = next_reason(reasons, reason)))
                (void)buf_appendf(&text, "%s%" PRId64 " %.100s", shown++ > 0 ? ", " : "",
                                  jval_int(jval_iter_value(reason), 0), jval_iter_key(reason));
        if (jval_object_size(reasons) > shown)
                (void)buf_append_str(&text, ", ...");
        if (jval_get_int(missing, "more", 0) > 0)
                (void)buf_appendf(&text, "%s%" PRId64 " not listed", shown > 0 ? ", " : "",
                                  jval_get_int(missing, "more", 0));
        return buf_steal(&text);
}

int64_t missing_without_reason(const struct jval *metadata, const char **ret_first) {
        const struct jval *missing = jval_get(metadata, "missing"), *items = jval_get(missing, "items");

        *ret_first = NULL;
        for (size_t i = 0; i < jval_array_size(items) && !*ret_first; i++)
                if (streq_null(jval_get_str(jval_at(items, i), "reason"), MISSING_REASON_UNKNOWN))
                        *ret_first = jval_get_str(jval_at(items, i), "item");
        return jval_get_int(jval_get(missing, "reasons"), MISSING_REASON_UNKNOWN, 0);
}
