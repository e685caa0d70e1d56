#include "report_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "strutil.h"
#include "xalloc.h"

/* "report=", the newline and the NUL. */
#define ENCODED_OVERHEAD 9

void report_set_done(struct report_set *set) {
        for (size_t i = 0; i < set->n; i++) {
                free(set->reports[i].key);
                free(set->reports[i].value);
        }
        free(set->reports);
        *set = (struct report_set){0};
}

static struct report *find(const struct report_set *set, const char *key) {
        for (size_t i = 0; i < set->n; i++)
                if (streq(set->reports[i].key, key))
                        return &set->reports[i];
        return NULL;
}

const char *report_set_get(const struct report_set *set, const char *key) {
        const struct report *report = find(set, key);
        return report ? report->value : NULL;
}

static void mark_unsent(struct report_set *set, struct report *report) {
        set->n_unsent += !report->is_unsent;
        report->is_unsent = true;
}

void report_set_mark_sent(struct report_set *set, struct report *report) {
        set->n_unsent -= report->is_unsent;
        report->is_unsent = false;
}

void report_set_mark_all_unsent(struct report_set *set) {
        for (size_t i = 0; i < set->n; i++)
                mark_unsent(set, &set->reports[i]);
}

int report_set_put(struct report_set *set, const char *key, const char *value) {
        struct report *report = find(set, key);
        if (report && streq(report->value, value))
                return 0;
        size_t size = set->size + strlen(value);
        size = report ? size - strlen(report->value) : size + strlen(key) + ENCODED_OVERHEAD;
        if (size > REPORT_SET_MAX)
                return -E2BIG;
        if (!report) {
                GROW(set->reports, set->n, set->capacity);
                report = &set->reports[set->n++];
                *report = (struct report){.key = xstrdup(key)};
        }
        free(report->value);
        report->value = xstrdup(value);
        set->size = size;
        mark_unsent(set, report);
        return 1;
}

int report_encode(struct buf *buf, const struct report *report) {
        size_t key_len = strlen(report->key), value_len = strlen(report->value);
        char *to = buf_reserve(buf, key_len + value_len + ENCODED_OVERHEAD);
        if (!to)
                return -E2BIG;
        memcpy(to, "report=", 7);
        memcpy(to + 7, report->key, key_len);
        to[7 + key_len] = '\n';
        memcpy(to + 8 + key_len, report->value, value_len + 1);
        buf_commit(buf, key_len + value_len + ENCODED_OVERHEAD);
        return 0;
}

int report_decode(char *text, const char **ret_key, const char **ret_value) {
        char *newline = strchr(text, '\n');
        if (!newline)
                return -EBADMSG;
        *newline = 0;
        *ret_key = text;
        *ret_value = newline + 1;
        return 0;
}
