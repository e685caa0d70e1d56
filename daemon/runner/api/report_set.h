/* What a step said, as the current value of each thing: the reports of supervise.h by key. Kept in memory by the
 * monitor, in the attempt file, and sent to the daemon, where a change goes alone and everything after a reconnect. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* All keys and values of one attempt together: what the attempt file holds for them. */
#define REPORT_SET_MAX ((size_t)56 * 1024)

struct report {
        char *key;
        char *value;
        bool is_unsent;
};

struct report_set {
        struct report *reports;
        size_t n;
        size_t capacity;
        size_t size; /* bytes of all keys and values, encoded */
        size_t n_unsent;
};

void report_set_done(struct report_set *set);
/* 1: changed; 0: it had that value; -E2BIG: the cap, nothing changed. */
int report_set_put(struct report_set *set, const char *key, const char *value);
/* The value, or NULL. */
const char *report_set_get(const struct report_set *set, const char *key);
void report_set_mark_all_unsent(struct report_set *set);
void report_set_mark_sent(struct report_set *set, struct report *report);

/* As a field: "report=<key>\n<value>" (neither holds a newline before the value). 0 or -E2BIG. */
int report_encode(struct buf *buf, const struct report *report);
/* Splits such a field's value in place. 0 or -EBADMSG. */
int report_decode(char *text, const char **ret_key, const char **ret_value);
