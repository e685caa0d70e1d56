#include "fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strutil.h"
#include "xalloc.h"

int fields_add(struct buf *buf, const char *key, const char *value) {
        size_t key_len = strlen(key), value_len = strlen(value);
        char *to = buf_reserve(buf, key_len + value_len + 2);
        if (!to)
                return -E2BIG;
        memcpy(to, key, key_len);
        to[key_len] = '=';
        memcpy(to + key_len + 1, value, value_len + 1);
        buf_commit(buf, key_len + value_len + 2);
        return 0;
}

int fields_add_int64(struct buf *buf, const char *key, int64_t value) {
        char text[24];
        snprintf(text, sizeof(text), "%" PRId64, value);
        return fields_add(buf, key, text);
}

int fields_add_uint64(struct buf *buf, const char *key, uint64_t value) {
        char text[24];
        snprintf(text, sizeof(text), "%" PRIu64, value);
        return fields_add(buf, key, text);
}

int fields_next(const char **cursor, const char *end, struct field *ret) {
        if (*cursor >= end)
                return 0;
        const char *nul = memchr(*cursor, 0, (size_t)(end - *cursor));
        if (!nul)
                return -EBADMSG;
        const char *equals = memchr(*cursor, '=', (size_t)(nul - *cursor));
        if (!equals)
                return -EBADMSG;
        *ret = (struct field){.key = *cursor, .key_len = (size_t)(equals - *cursor), .value = equals + 1};
        *cursor = nul + 1;
        return 1;
}

bool field_is(const struct field *field, const char *key) {
        return strlen(key) == field->key_len && memcmp(key, field->key, field->key_len) == 0;
}

static void *member(const void *object, const struct field_rule *rule) {
        return (void *)((uintptr_t)object + rule->offset);
}

static int encode_one(struct buf *buf, const void *object, const struct field_rule *rule) {
        const void *from = member(object, rule);
        switch (rule->type) {
        case FIELD_INT64:
                return fields_add_int64(buf, rule->key, *(const int64_t *)from);
        case FIELD_UINT64:
                return fields_add_uint64(buf, rule->key, *(const uint64_t *)from);
        case FIELD_BOOL:
                return fields_add(buf, rule->key, *(const bool *)from ? "1" : "0");
        case FIELD_STRING: {
                const char *text = *(char *const *)from;
                return text ? fields_add(buf, rule->key, text) : 0;
        }
        }
        return -EINVAL;
}

int fields_encode(struct buf *buf, const void *object, const struct field_rule *rules, size_t n_rules) {
        for (size_t i = 0; i < n_rules; i++) {
                int r = encode_one(buf, object, &rules[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int decode_value(void *to, enum field_type type, const char *value) {
        switch (type) {
        case FIELD_INT64:
                return parse_int64(value, to) < 0 ? -EBADMSG : 1;
        case FIELD_UINT64:
                return parse_uint64(value, to) < 0 ? -EBADMSG : 1;
        case FIELD_BOOL: {
                int truth = parse_boolean(value);
                if (truth < 0)
                        return -EBADMSG;
                *(bool *)to = truth;
                return 1;
        }
        case FIELD_STRING:
                free(*(char **)to);
                *(char **)to = xstrdup(value);
                return 1;
        }
        return -EBADMSG;
}

int fields_decode_one(void *object, const struct field_rule *rules, size_t n_rules, const struct field *field) {
        for (size_t i = 0; i < n_rules; i++)
                if (field_is(field, rules[i].key))
                        return decode_value(member(object, &rules[i]), rules[i].type, field->value);
        return 0;
}

void fields_release(void *object, const struct field_rule *rules, size_t n_rules) {
        for (size_t i = 0; i < n_rules; i++)
                if (rules[i].type == FIELD_STRING) {
                        char **text = member(object, &rules[i]);
                        free(*text);
                        *text = NULL;
                }
}
