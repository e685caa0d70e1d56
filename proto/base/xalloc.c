#include "xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *pointer) {
        static const char message[] = "out of memory\n";

        if (pointer)
                return pointer;
        /* Nothing that might allocate: the process is past help. */
        if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
                abort();
        abort();
}

void *xmalloc(size_t size) {
        return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size) {
        return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *pointer, size_t size) {
        return checked(realloc(pointer, size ? size : 1));
}

void *xreallocarray(void *pointer, size_t count, size_t size) {
        if (count == 0 || size == 0)
                count = size = 1;
        return checked(reallocarray(pointer, count, size));
}

char *xstrdup(const char *text) {
        return checked(strdup(text));
}

char *xstrdup_or_null(const char *text) {
        return text ? xstrdup(text) : NULL;
}

char *xstrndup(const char *text, size_t length) {
        return checked(strndup(text, length));
}

void *xmemdup(const void *data, size_t size) {
        void *copy = xmalloc(size);

        if (size > 0)
                memcpy(copy, data, size);
        return copy;
}

char *xvasprintf(const char *format, va_list arguments) {
        char *text = NULL;
        int length = vasprintf(&text, format, arguments);

        return checked(length < 0 ? NULL : text);
}

char *xasprintf(const char *format, ...) {
        va_list arguments;
        char *text;

        va_start(arguments, format);
        text = xvasprintf(format, arguments);
        va_end(arguments);
        return text;
}
