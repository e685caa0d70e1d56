/* Worker threads: small stacks, no signals, a name for debuggers. */
#pragma once

#include <pthread.h>

/* 0 or negative errno. name: at most 15 bytes. */
int thread_start(pthread_t *ret, const char *name, void *(*main)(void *user), void *user);
