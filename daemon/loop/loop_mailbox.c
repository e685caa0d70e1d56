/* A list under a mutex and an eventfd that wakes the loop: one write for as many messages as arrive before it looks. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cleanup.h"
#include "loop_internal.h"
#include "xalloc.h"

struct loop_mailbox {
        struct loop_io *io;
        int fd;
        loop_message_fn fn;
        void *user;
        pthread_mutex_t mutex;
        void **messages;
        size_t count, capacity;
};

static void mailbox_ready(int fd, unsigned ready, void *user) {
        struct loop_mailbox *mailbox = user;
        void **messages;
        uint64_t ignored;
        size_t count;

        (void)ready;
        if (read(fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN && errno != EINTR)
                return;
        (void)pthread_mutex_lock(&mailbox->mutex);
        messages = mailbox->messages;
        count = mailbox->count;
        mailbox->messages = NULL;
        mailbox->count = mailbox->capacity = 0;
        (void)pthread_mutex_unlock(&mailbox->mutex);
        for (size_t i = 0; i < count; i++)
                mailbox->fn(messages[i], mailbox->user);
        free(messages);
}

int loop_mailbox_new(struct loop *loop, struct loop_mailbox **ret, loop_message_fn fn, void *user) {
        _cleanup_close_ int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        struct loop_mailbox *mailbox;
        int r;

        if (fd < 0)
                return -errno;
        mailbox = NEW(struct loop_mailbox);
        mailbox->fn = fn;
        mailbox->user = user;
        (void)pthread_mutex_init(&mailbox->mutex, NULL);
        r = loop_io_new(loop, &mailbox->io, fd, LOOP_READ, mailbox_ready, mailbox);
        if (r < 0) {
                (void)pthread_mutex_destroy(&mailbox->mutex);
                free(mailbox);
                return r;
        }
        mailbox->fd = steal_fd(&fd);
        *ret = mailbox;
        return 0;
}

void loop_mailbox_post(struct loop_mailbox *mailbox, void *message) {
        const uint64_t one = 1;
        bool first;

        (void)pthread_mutex_lock(&mailbox->mutex);
        GROW(mailbox->messages, mailbox->count, mailbox->capacity);
        mailbox->messages[mailbox->count++] = message;
        first = mailbox->count == 1;
        (void)pthread_mutex_unlock(&mailbox->mutex);
        /* Fails only when the counter is full, and then the loop is awake anyway. */
        if (first && write(mailbox->fd, &one, sizeof(one)) < 0)
                return;
}

struct loop_mailbox *loop_mailbox_free(struct loop_mailbox *mailbox, void (*release)(void *message)) {
        if (!mailbox)
                return NULL;
        mailbox->io = loop_io_free(mailbox->io);
        (void)close(mailbox->fd);
        for (size_t i = 0; release && i < mailbox->count; i++)
                release(mailbox->messages[i]);
        free(mailbox->messages);
        (void)pthread_mutex_destroy(&mailbox->mutex);
        free(mailbox);
        return NULL;
}
