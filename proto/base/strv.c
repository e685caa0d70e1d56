#include "strv.h"

#include <string.h>

#include "buf.h"
#include "strutil.h"
#include "xalloc.h"

size_t strv_length(char *const *vector) {
        size_t n = 0;

        while (vector && vector[n])
                n++;
        return n;
}

void strv_append_take(char ***vector, char *text) {
        size_t n = strv_length(*vector);

        *vector = xreallocarray(*vector, n + 2, sizeof(char *));
        (*vector)[n] = text;
        (*vector)[n + 1] = NULL;
}

void strv_append(char ***vector, const char *text) {
        strv_append_take(vector, xstrdup(text));
}

char **strv_copy(char *const *vector) {
        char **copy = NULL;

        STRV_FOREACH (item, vector)
                strv_append(&copy, *item);
        return copy;
}

bool strv_contains(char *const *vector, const char *text) {
        STRV_FOREACH (item, vector)
                if (streq(*item, text))
                        return true;
        return false;
}

bool strv_equal(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i]))
                        return false;
        return true;
}

char *strv_join(char *const *vector, const char *separator) {
        struct buf buf = BUF_INIT(SIZE_MAX / 2);

        STRV_FOREACH (item, vector) {
                if (item != vector)
                        (void)buf_append_str(&buf, separator);
                (void)buf_append_str(&buf, *item);
        }
        return buf_steal(&buf);
}

char **strv_split(const char *text, const char *separators) {
        char **vector = NULL;

        for (;;) {
                size_t length;

                text += strspn(text, separators);
                if (!*text)
                        return vector;
                length = strcspn(text, separators);
                strv_append_take(&vector, xstrndup(text, length));
                text += length;
        }
}

char **strv_free(char **vector) {
        STRV_FOREACH (item, vector)
                free(*item);
        free(vector);
        return NULL;
}
