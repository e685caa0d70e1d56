#include "thread.h"

#include <signal.h>

#define STACK_SIZE ((size_t)512 * 1024)

int thread_start(pthread_t *ret, const char *name, void *(*main)(void *user), void *user) {
        sigset_t all, before;
        pthread_attr_t attributes;
        int r;

        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(ret, &attributes, main, user);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attributes);
        if (r != 0)
                return -r;
        (void)pthread_setname_np(*ret, name);
        return 0;
}
