/* Allocation that cannot fail: when memory is exhausted the process says so and aborts.
 *
 * Why: no program here can do anything sensible without memory, an abort is survived by design (the daemon is started
 * again within 100 ms and finds every monitor alive), and code without allocation error paths is code that is tested.
 * Sizes that come from outside are capped before they get here. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "macro.h"

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *pointer, size_t size);
/* realloc to count * size; aborts on overflow. */
void *xreallocarray(void *pointer, size_t count, size_t size);
char *xstrdup(const char *text);
/* NULL stays NULL. */
char *xstrdup_or_null(const char *text);
char *xstrndup(const char *text, size_t length);
void *xmemdup(const void *data, size_t size);
/* A newly allocated formatted string. */
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);
char *xvasprintf(const char *format, va_list arguments) PRINTF_LIKE(1, 0);

#define NEW(type) ((type *)xcalloc(1, sizeof(type)))

/* Makes room for one more element in a growing array: doubles the capacity when it is full.
 * `array`, `count` and `capacity` are lvalues; capacity is a size_t that starts at 0. */
#define GROW(array, count, capacity)                                                                                   \
        do {                                                                                                           \
                if ((count) == (capacity)) {                                                                           \
                        (capacity) = (capacity) ? (capacity)*2 : 8;                                                    \
                        (array) = xreallocarray((array), (capacity), sizeof(*(array)));                                \
                }                                                                                                      \
        } while (0)
