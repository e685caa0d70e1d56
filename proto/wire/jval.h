/* JSON values. jval.c is the only file that includes the JSON library (jansson), so that it can be replaced.
 *
 * Values are counted by reference. `jval_set*` and `jval_add*` take over the value they are given. Accessors of a
 * missing or differently typed member return the stated default, never fail. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleanup.h"
#include "timeutil.h"

struct jval;

enum jval_type { JVAL_NULL, JVAL_BOOLEAN, JVAL_INTEGER, JVAL_REAL, JVAL_STRING, JVAL_ARRAY, JVAL_OBJECT };

struct jval *jval_object(void);
struct jval *jval_array(void);
/* NULL gives JSON null. Bytes that are not UTF-8, and NUL, are escaped as \xHH text. */
struct jval *jval_string(const char *text);
struct jval *jval_stringn(const char *text, size_t len);
struct jval *jval_integer(int64_t value);
struct jval *jval_real(double value);
struct jval *jval_boolean(bool value);
struct jval *jval_null(void);
struct jval *jval_ref(struct jval *value);
struct jval *jval_unref(struct jval *value);
struct jval *jval_deep_copy(const struct jval *value);
DEFINE_CLEANUP(struct jval, jval_unref);
#define _cleanup_jval_ _cleanup_(jval_unrefp)

enum jval_type jval_type_of(const struct jval *value); /* NULL counts as JVAL_NULL */
bool jval_is_object(const struct jval *value);
bool jval_is_array(const struct jval *value);
bool jval_is_string(const struct jval *value);
bool jval_equal(const struct jval *a, const struct jval *b);

/* Members of an object */
void jval_set(struct jval *object, const char *key, struct jval *value);
void jval_set_str(struct jval *object, const char *key, const char *text); /* NULL: null */
void jval_set_int(struct jval *object, const char *key, int64_t value);
void jval_set_real(struct jval *object, const char *key, double value);
void jval_set_bool(struct jval *object, const char *key, bool value);
/* RFC 3339 in UTC; 0 becomes null. */
void jval_set_time(struct jval *object, const char *key, usec_t realtime);
void jval_remove(struct jval *object, const char *key);
/* Borrowed; NULL when missing. */
struct jval *jval_get(const struct jval *object, const char *key);
bool jval_has(const struct jval *object, const char *key);
const char *jval_get_str(const struct jval *object, const char *key); /* NULL when missing or no string */
int64_t jval_get_int(const struct jval *object, const char *key, int64_t otherwise);
double jval_get_real(const struct jval *object, const char *key, double otherwise); /* integers count too */
bool jval_get_bool(const struct jval *object, const char *key, bool otherwise);
size_t jval_object_size(const struct jval *object);
/* Iteration in insertion order: `for (void *i = jval_iter(o); i; i = jval_iter_next(o, i))`. */
void *jval_iter(const struct jval *object);
void *jval_iter_next(const struct jval *object, void *iterator);
const char *jval_iter_key(void *iterator);
struct jval *jval_iter_value(void *iterator); /* borrowed */

/* Elements of an array */
void jval_add(struct jval *array, struct jval *value);
size_t jval_array_size(const struct jval *array);             /* 0 for what is no array */
struct jval *jval_at(const struct jval *array, size_t index); /* borrowed */

/* The value itself */
const char *jval_str(const struct jval *value);
int64_t jval_int(const struct jval *value, int64_t otherwise);
double jval_num(const struct jval *value, double otherwise);
bool jval_bool(const struct jval *value, bool otherwise);

/* Strict parse of one complete text: duplicate keys, trailing text, invalid UTF-8 are errors. *ret_error (may be NULL)
 * gets "line L, column C: what". -EINVAL; depth and size are capped by the library and the caller. */
int jval_parse(const char *text, size_t len, struct jval **ret, char **ret_error);
/* Compact, or indented by two. New string. */
char *jval_dump(const struct jval *value);
char *jval_dump_pretty(const struct jval *value);
/* Compact, behind the buffer's content. 0 or -E2BIG. */
int jval_append(const struct jval *value, struct buf *buf);
/* "text" with quotes, escaped for JSON, bytes that are not UTF-8 as \\xHH; without building a value. 0 or -E2BIG. */
int json_append_string(struct buf *buf, const char *text, size_t len);
