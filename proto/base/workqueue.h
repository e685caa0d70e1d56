/* A bounded queue between threads: the only thing that the loop's thread and a worker thread share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct workqueue;

/* capacity: how many entries fit. */
struct workqueue *workqueue_new(size_t capacity);
struct workqueue *workqueue_free(struct workqueue *queue);
/* Never blocks: 0, or -EAGAIN when the queue is full. */
int workqueue_push(struct workqueue *queue, void *entry);
/* Waits for an entry; NULL once the queue is closed and empty. */
void *workqueue_pop(struct workqueue *queue);
/* As workqueue_pop, without waiting: NULL when there is none now. */
void *workqueue_try_pop(struct workqueue *queue);
size_t workqueue_length(struct workqueue *queue);
bool workqueue_is_closed(struct workqueue *queue);
/* Wakes the waiting thread; what is queued is still handed out. */
void workqueue_close(struct workqueue *queue);
