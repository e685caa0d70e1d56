#include "workqueue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "xalloc.h"

struct workqueue {
        pthread_mutex_t mutex;
        pthread_cond_t wakeup;
        void **entries; /* a ring */
        size_t capacity, first, length;
        bool closed;
};

struct workqueue *workqueue_new(size_t capacity) {
        struct workqueue *queue = NEW(struct workqueue);

        (void)pthread_mutex_init(&queue->mutex, NULL);
        (void)pthread_cond_init(&queue->wakeup, NULL);
        queue->entries = xcalloc(capacity, sizeof(void *));
        queue->capacity = capacity;
        return queue;
}

struct workqueue *workqueue_free(struct workqueue *queue) {
        if (!queue)
                return NULL;
        (void)pthread_cond_destroy(&queue->wakeup);
        (void)pthread_mutex_destroy(&queue->mutex);
        free(queue->entries);
        free(queue);
        return NULL;
}

int workqueue_push(struct workqueue *queue, void *entry) {
        int r = -EAGAIN;

        (void)pthread_mutex_lock(&queue->mutex);
        if (queue->length < queue->capacity) {
                queue->entries[(queue->first + queue->length) % queue->capacity] = entry;
                queue->length++;
                (void)pthread_cond_signal(&queue->wakeup);
                r = 0;
        }
        (void)pthread_mutex_unlock(&queue->mutex);
        return r;
}

static void *take_first(struct workqueue *queue) {
        void *entry = queue->entries[queue->first];

        queue->first = (queue->first + 1) % queue->capacity;
        queue->length--;
        return entry;
}

void *workqueue_pop(struct workqueue *queue) {
        void *entry = NULL;

        (void)pthread_mutex_lock(&queue->mutex);
        while (queue->length == 0 && !queue->closed)
                (void)pthread_cond_wait(&queue->wakeup, &queue->mutex);
        if (queue->length > 0)
                entry = take_first(queue);
        (void)pthread_mutex_unlock(&queue->mutex);
        return entry;
}

void *workqueue_try_pop(struct workqueue *queue) {
        void *entry = NULL;

        (void)pthread_mutex_lock(&queue->mutex);
        if (queue->length > 0)
                entry = take_first(queue);
        (void)pthread_mutex_unlock(&queue->mutex);
        return entry;
}

size_t workqueue_length(struct workqueue *queue) {
        size_t length;

        (void)pthread_mutex_lock(&queue->mutex);
        length = queue->length;
        (void)pthread_mutex_unlock(&queue->mutex);
        return length;
}

bool workqueue_is_closed(struct workqueue *queue) {
        bool closed;

        (void)pthread_mutex_lock(&queue->mutex);
        closed = queue->closed;
        (void)pthread_mutex_unlock(&queue->mutex);
        return closed;
}

void workqueue_close(struct workqueue *queue) {
        (void)pthread_mutex_lock(&queue->mutex);
        queue->closed = true;
        (void)pthread_cond_broadcast(&queue->wakeup);
        (void)pthread_mutex_unlock(&queue->mutex);
}
