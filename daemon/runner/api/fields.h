/* "key=value" records, each ended by a NUL: the text form of everything that daemon, launcher and monitor tell each
 * other. A reader skips keys that it does not know, so that versions N and N-1 understand each other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* One record in place: key is not terminated, value is. */
struct field {
        const char *key;
        size_t key_len;
        const char *value;
};

/* All additions: 0, -E2BIG (the buffer's cap). */
int fields_add(struct buf *buf, const char *key, const char *value);
int fields_add_int64(struct buf *buf, const char *key, int64_t value);
int fields_add_uint64(struct buf *buf, const char *key, uint64_t value);

/* Takes the record at *cursor and moves on. 1: *ret is filled; 0: the end; -EBADMSG: no NUL or no '=' before the end.
 */
int fields_next(const char **cursor, const char *end, struct field *ret);
bool field_is(const struct field *field, const char *key);

/* A struct's members as fields, so that writing and reading cannot drift apart. */
enum field_type {
        FIELD_INT64,
        FIELD_UINT64,
        FIELD_BOOL,
        FIELD_STRING, /* char *, owned by the object; NULL is left out */
};

struct field_rule {
        const char *key;
        enum field_type type;
        size_t offset;
};

int fields_encode(struct buf *buf, const void *object, const struct field_rule *rules, size_t n_rules);
/* 1: a rule took the field; 0: no rule has that key; -EBADMSG: not a value of its type. */
int fields_decode_one(void *object, const struct field_rule *rules, size_t n_rules, const struct field *field);
/* Frees the strings and sets them to NULL. */
void fields_release(void *object, const struct field_rule *rules, size_t n_rules);
