#include "password.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "secret.h"
#include "strutil.h"
#include "workqueue.h"
#include "xalloc.h"

/* At a tenth of a second each nobody waits longer than a second. */
#define WAITING_MAX 8

struct check {
        char *password, *hash;
        bool is_right;
        password_fn fn;
        void *user;
};

struct password_checker {
        struct workqueue *queue;
        struct loop_mailbox *answers;
        pthread_t thread;
};

static void free_check(void *message) {
        struct check *check = message;

        explicit_bzero(check->password, strlen(check->password));
        free(check->password);
        free(check->hash);
        free(check);
}

static bool matches(const char *password, const char *hash) {
        void *data = NULL;
        int size = 0;
        const char *made = crypt_ra(password, hash, &data, &size);
        bool same = made && *made != '*' && secret_equal(made, hash);

        free(data);
        return same;
}

static void *work(void *user) {
        struct password_checker *checker = user;
        struct check *check;

        while ((check = workqueue_pop(checker->queue))) {
                check->is_right = matches(check->password, check->hash);
                loop_mailbox_post(checker->answers, check);
        }
        return NULL;
}

static void answer(void *message, void *user) {
        struct check *check = message;

        check->fn(check->is_right, check->user);
        free_check(check);
}

/* Signals are the loop's. */
static int start_thread(struct password_checker *checker) {
        sigset_t all, before;
        int r;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&checker->thread, NULL, work, checker);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int password_checker_new(struct password_checker **ret, struct loop *loop) {
        struct password_checker *checker = NEW(struct password_checker);
        int r = loop_mailbox_new(loop, &checker->answers, answer, checker);

        if (r < 0) {
                free(checker);
                return r;
        }
        checker->queue = workqueue_new(WAITING_MAX);
        r = start_thread(checker);
        if (r < 0) {
                loop_mailbox_free(checker->answers, NULL);
                workqueue_free(checker->queue);
                free(checker);
                return r;
        }
        *ret = checker;
        return 0;
}

struct password_checker *password_checker_free(struct password_checker *checker) {
        if (!checker)
                return NULL;
        workqueue_close(checker->queue);
        (void)pthread_join(checker->thread, NULL);
        loop_mailbox_free(checker->answers, free_check);
        workqueue_free(checker->queue);
        free(checker);
        return NULL;
}

int password_check(struct password_checker *checker, const char *password, const char *hash, password_fn fn,
                   void *user) {
        struct check *check = NEW(struct check);
        int r;

        *check = (struct check){.password = xstrdup(password), .hash = xstrdup(hash), .fn = fn, .user = user};
        r = workqueue_push(checker->queue, check);
        if (r < 0)
                free_check(check);
        return r;
}

char *password_hash(const char *password) {
        _cleanup_free_ char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
        void *data = NULL;
        int size = 0;
        const char *made = setting ? crypt_ra(password, setting, &data, &size) : NULL;
        char *hash = made && *made != '*' ? xstrdup(made) : NULL;

        free(data);
        return hash;
}

bool password_hash_is_usable(const char *hash) {
        return crypt_checksalt(hash) == CRYPT_SALT_OK;
}
