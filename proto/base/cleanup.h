/* Scope-bound release of resources, and marked transfer of ownership. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs fn(&variable) when the variable leaves its scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void freep(void *p) {
        free(*(void **)p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

static inline void fclosep(FILE **f) {
        if (*f)
                (void)fclose(*f);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

/* Defines NAMEp for use with _cleanup_: calls free_fn on the pointed-to object unless it is NULL. */
#define DEFINE_CLEANUP(type, free_fn)                                                                                  \
        static inline void free_fn##p(type **p) {                                                                      \
                if (*p)                                                                                                \
                        free_fn(*p);                                                                                   \
        }                                                                                                              \
        struct cleanup_semicolon_##free_fn

/* Hands the resource over: returns it and leaves the variable empty. */
#define STEAL_PTR(p)                                                                                                   \
        __extension__({                                                                                                \
                __typeof__(p) *steal_ = &(p);                                                                          \
                __typeof__(p) value_ = *steal_;                                                                        \
                *steal_ = NULL;                                                                                        \
                value_;                                                                                                \
        })

static inline int steal_fd(int *fd) {
        int value = *fd;
        *fd = -1;
        return value;
}
