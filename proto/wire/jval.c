#include "jval.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "errortext.h"
#include "utf8.h"
#include "xalloc.h"

/* A struct jval is jansson's json_t under another name; these two are the only places where the one becomes the other.
 */
static json_t *to_json(const struct jval *value) {
        return (json_t *)(uintptr_t)value;
}

static struct jval *from_json(json_t *json) {
        return (struct jval *)json;
}

/* Memory that runs out aborts as everywhere else (xalloc.h), so that no call below can fail for it. */
__attribute__((constructor)) static void use_xalloc(void) {
        json_set_alloc_funcs(xmalloc, free);
}

struct jval *jval_object(void) {
        return from_json(json_object());
}

struct jval *jval_array(void) {
        return from_json(json_array());
}

struct jval *jval_string(const char *text) {
        return text ? jval_stringn(text, strlen(text)) : jval_null();
}

struct jval *jval_stringn(const char *text, size_t len) {
        if (!memchr(text, '\0', len) && utf8_is_valid(text, len))
                return from_json(json_stringn_nocheck(text, len));
        _cleanup_free_ char *escaped = utf8_escape(text, len, SIZE_MAX);
        return from_json(json_string_nocheck(escaped));
}

struct jval *jval_integer(int64_t value) {
        return from_json(json_integer(value));
}

struct jval *jval_real(double value) {
        return isfinite(value) ? from_json(json_real(value)) : jval_null();
}

struct jval *jval_boolean(bool value) {
        return from_json(json_boolean(value));
}

struct jval *jval_null(void) {
        return from_json(json_null());
}

struct jval *jval_ref(struct jval *value) {
        return from_json(json_incref(to_json(value)));
}

struct jval *jval_unref(struct jval *value) {
        json_decref(to_json(value));
        return NULL;
}

struct jval *jval_deep_copy(const struct jval *value) {
        return from_json(json_deep_copy(to_json(value)));
}

enum jval_type jval_type_of(const struct jval *value) {
        if (!value)
                return JVAL_NULL;
        switch (json_typeof(to_json(value))) {
        case JSON_OBJECT:
                return JVAL_OBJECT;
        case JSON_ARRAY:
                return JVAL_ARRAY;
        case JSON_STRING:
                return JVAL_STRING;
        case JSON_INTEGER:
                return JVAL_INTEGER;
        case JSON_REAL:
                return JVAL_REAL;
        case JSON_TRUE:
        case JSON_FALSE:
                return JVAL_BOOLEAN;
        case JSON_NULL:
                return JVAL_NULL;
        }
        return JVAL_NULL;
}

bool jval_is_object(const struct jval *value) {
        return json_is_object(to_json(value));
}

bool jval_is_array(const struct jval *value) {
        return json_is_array(to_json(value));
}

bool jval_is_string(const struct jval *value) {
        return json_is_string(to_json(value));
}

bool jval_equal(const struct jval *a, const struct jval *b) {
        return a == b || json_equal(to_json(a), to_json(b));
}

void jval_set(struct jval *object, const char *key, struct jval *value) {
        if (!value)
                value = jval_null();
        if (utf8_is_valid(key, strlen(key))) {
                (void)json_object_set_new_nocheck(to_json(object), key, to_json(value));
                return;
        }
        _cleanup_free_ char *escaped = utf8_escape(key, strlen(key), SIZE_MAX);
        (void)json_object_set_new_nocheck(to_json(object), escaped, to_json(value));
}

void jval_set_str(struct jval *object, const char *key, const char *text) {
        jval_set(object, key, jval_string(text));
}

void jval_set_int(struct jval *object, const char *key, int64_t value) {
        jval_set(object, key, jval_integer(value));
}

void jval_set_real(struct jval *object, const char *key, double value) {
        jval_set(object, key, jval_real(value));
}

void jval_set_bool(struct jval *object, const char *key, bool value) {
        jval_set(object, key, jval_boolean(value));
}

void jval_set_time(struct jval *object, const char *key, usec_t realtime) {
        char text[RFC3339_SIZE];
        jval_set(object, key, realtime == 0 ? jval_null() : jval_string(format_rfc3339(text, realtime)));
}

void jval_remove(struct jval *object, const char *key) {
        (void)json_object_del(to_json(object), key);
}

struct jval *jval_get(const struct jval *object, const char *key) {
        return from_json(json_object_get(to_json(object), key));
}

bool jval_has(const struct jval *object, const char *key) {
        return jval_get(object, key) != NULL;
}

const char *jval_get_str(const struct jval *object, const char *key) {
        return jval_str(jval_get(object, key));
}

int64_t jval_get_int(const struct jval *object, const char *key, int64_t otherwise) {
        return jval_int(jval_get(object, key), otherwise);
}

double jval_get_real(const struct jval *object, const char *key, double otherwise) {
        return jval_num(jval_get(object, key), otherwise);
}

bool jval_get_bool(const struct jval *object, const char *key, bool otherwise) {
        return jval_bool(jval_get(object, key), otherwise);
}

size_t jval_object_size(const struct jval *object) {
        return json_object_size(to_json(object));
}

void *jval_iter(const struct jval *object) {
        return json_object_iter(to_json(object));
}

void *jval_iter_next(const struct jval *object, void *iterator) {
        return json_object_iter_next(to_json(object), iterator);
}

const char *jval_iter_key(void *iterator) {
        return json_object_iter_key(iterator);
}

struct jval *jval_iter_value(void *iterator) {
        return from_json(json_object_iter_value(iterator));
}

void jval_add(struct jval *array, struct jval *value) {
        (void)json_array_append_new(to_json(array), to_json(value ? value : jval_null()));
}

size_t jval_array_size(const struct jval *array) {
        return json_array_size(to_json(array));
}

struct jval *jval_at(const struct jval *array, size_t index) {
        return from_json(json_array_get(to_json(array), index));
}

const char *jval_str(const struct jval *value) {
        return json_string_value(to_json(value));
}

int64_t jval_int(const struct jval *value, int64_t otherwise) {
        return json_is_integer(to_json(value)) ? json_integer_value(to_json(value)) : otherwise;
}

double jval_num(const struct jval *value, double otherwise) {
        return json_is_number(to_json(value)) ? json_number_value(to_json(value)) : otherwise;
}

bool jval_bool(const struct jval *value, bool otherwise) {
        return json_is_boolean(to_json(value)) ? json_is_true(to_json(value)) : otherwise;
}

/* jansson's own limit is 2048 levels, and every walk over a value is as deep as the value: this keeps all of them far
 * from the end of a thread's stack. */
#define DEPTH_MAX 128

/* Finds nesting deeper than DEPTH_MAX; what is no JSON is for the parser to find. */
static bool is_too_deep(const char *text, size_t len) {
        unsigned depth = 0;
        bool quoted = false;
        for (size_t i = 0; i < len; i++) {
                char c = text[i];
                if (quoted) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                quoted = false;
                } else if (c == '"') {
                        quoted = true;
                } else if (c == '{' || c == '[') {
                        if (++depth > DEPTH_MAX)
                                return true;
                } else if ((c == '}' || c == ']') && depth > 0) {
                        depth--;
                }
        }
        return false;
}

int jval_parse(const char *text, size_t len, struct jval **ret, char **ret_error) {
        if (len == 0)
                return error_set(ret_error, -EINVAL, "line 1, column 1: empty where JSON is expected");
        /* jansson takes one for the end of the text */
        const char *nul = memchr(text, '\0', len);
        if (nul)
                return error_set(ret_error, -EINVAL, "line 1, column %zu: a NUL byte", (size_t)(nul - text) + 1);
        if (is_too_deep(text, len))
                return error_set(ret_error, -EINVAL, "line 1, column 1: nested deeper than %d levels", DEPTH_MAX);
        json_error_t error;
        json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (!json && json_error_code(&error) == json_error_null_character)
                return error_set(ret_error, -EINVAL, "line %d, column %d: \\u0000 is not allowed", error.line,
                                 error.column);
        if (!json)
                return error_set(ret_error, -EINVAL, "line %d, column %d: %s", error.line, error.column, error.text);
        *ret = from_json(json);
        return 0;
}

/* Writing: jansson's writer looks at every character by itself; this one copies runs (json_append_string). */

#define COMPACT (-1)

static int append_value(struct buf *buf, const struct jval *value, int indent);

static int append_newline(struct buf *buf, int indent) {
        return indent == COMPACT ? 0 : buf_appendf(buf, "\n%*s", indent * 2, "");
}

static int append_object(struct buf *buf, const struct jval *value, int indent) {
        int inner = indent == COMPACT ? COMPACT : indent + 1;
        const char *separator = "{";
        for (void *i = jval_iter(value); i; i = jval_iter_next(value, i)) {
                const char *key = jval_iter_key(i);
                int r = buf_append_str(buf, separator);
                if (r >= 0)
                        r = append_newline(buf, inner);
                if (r >= 0)
                        r = json_append_string(buf, key, strlen(key));
                if (r >= 0)
                        r = buf_append_str(buf, indent == COMPACT ? ":" : ": ");
                if (r >= 0)
                        r = append_value(buf, jval_iter_value(i), inner);
                if (r < 0)
                        return r;
                separator = ",";
        }
        if (jval_object_size(value) == 0)
                return buf_append_str(buf, "{}");
        int r = append_newline(buf, indent);
        return r < 0 ? r : buf_append_char(buf, '}');
}

static int append_array(struct buf *buf, const struct jval *value, int indent) {
        int inner = indent == COMPACT ? COMPACT : indent + 1;
        size_t n = jval_array_size(value);
        if (n == 0)
                return buf_append_str(buf, "[]");
        for (size_t i = 0; i < n; i++) {
                int r = buf_append_char(buf, i == 0 ? '[' : ',');
                if (r >= 0)
                        r = append_newline(buf, inner);
                if (r >= 0)
                        r = append_value(buf, jval_at(value, i), inner);
                if (r < 0)
                        return r;
        }
        int r = append_newline(buf, indent);
        return r < 0 ? r : buf_append_char(buf, ']');
}

/* 15 digits: every decimal fraction that people write comes back as they wrote it. A real keeps a mark that it is one.
 */
static int append_real(struct buf *buf, double value) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%.15g", value);
        char *comma = strchr(text, ','); /* some locales' decimal point */
        if (comma)
                *comma = '.';
        int r = buf_append_str(buf, text);
        if (r >= 0 && !strpbrk(text, ".e"))
                r = buf_append_str(buf, ".0");
        return r;
}

static int append_integer(struct buf *buf, int64_t value) {
        char text[24], *p = text + sizeof(text);
        uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
        do
                *--p = (char)('0' + rest % 10);
        while ((rest /= 10) > 0);
        if (value < 0)
                *--p = '-';
        return buf_append(buf, p, (size_t)(text + sizeof(text) - p));
}

static int append_value(struct buf *buf, const struct jval *value, int indent) {
        switch (jval_type_of(value)) {
        case JVAL_NULL:
                return buf_append_str(buf, "null");
        case JVAL_BOOLEAN:
                return buf_append_str(buf, jval_bool(value, false) ? "true" : "false");
        case JVAL_INTEGER:
                return append_integer(buf, jval_int(value, 0));
        case JVAL_REAL:
                return append_real(buf, jval_num(value, 0));
        case JVAL_STRING:
                return json_append_string(buf, json_string_value(to_json(value)), json_string_length(to_json(value)));
        case JVAL_ARRAY:
                return append_array(buf, value, indent);
        case JVAL_OBJECT:
                return append_object(buf, value, indent);
        }
        return 0;
}

char *jval_dump(const struct jval *value) {
        _cleanup_buf_ struct buf buf = BUF_INIT(SIZE_MAX / 4);
        (void)append_value(&buf, value, COMPACT);
        return buf_steal(&buf);
}

char *jval_dump_pretty(const struct jval *value) {
        _cleanup_buf_ struct buf buf = BUF_INIT(SIZE_MAX / 4);
        (void)append_value(&buf, value, 0);
        return buf_steal(&buf);
}

int jval_append(const struct jval *value, struct buf *buf) {
        size_t mark = buf->len;
        int r = append_value(buf, value, COMPACT);
        if (r < 0 && buf->data) {
                buf->len = mark;
                buf->data[buf->start + mark] = '\0';
        }
        return r;
}
