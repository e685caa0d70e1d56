#include "reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "schema.h"
#include "thread.h"
#include "workqueue.h"
#include "xalloc.h"

#define QUEUE_MAX 256

struct reader {
        sqlite3 *db;
        char *state_dir;
        struct workqueue *queue;
        struct loop_mailbox *mailbox;
        pthread_t thread;
};

/* Chores that wait for their next slice, the one whose turn it is first. Nobody but the reader's thread knows them. */
struct chores {
        struct reader_task *items[QUEUE_MAX];
        size_t first, count;
};

static void add_chore(struct chores *chores, struct reader_task *task) {
        chores->items[(chores->first + chores->count++) % QUEUE_MAX] = task;
}

static struct reader_task *take_chore(struct chores *chores) {
        struct reader_task *task = chores->items[chores->first];

        chores->first = (chores->first + 1) % QUEUE_MAX;
        chores->count--;
        return task;
}

/* To its end. */
static void do_task(struct reader *reader, struct reader_task *task) {
        while (!task->work(task, reader->db, reader->state_dir))
                ;
        loop_mailbox_post(reader->mailbox, task);
}

static void do_slice(struct reader *reader, struct chores *chores) {
        struct reader_task *task = take_chore(chores);

        if (task->work(task, reader->db, reader->state_dir))
                loop_mailbox_post(reader->mailbox, task);
        else
                add_chore(chores, task);
}

static void *reader_main(void *user) {
        struct reader *reader = user;
        struct chores chores = {0};

        for (;;) {
                struct reader_task *task =
                        chores.count > 0 ? workqueue_try_pop(reader->queue) : workqueue_pop(reader->queue);

                if (task && task->is_chore && chores.count < QUEUE_MAX) {
                        add_chore(&chores, task);
                        continue; /* the questions behind it go first */
                }
                if (task)
                        do_task(reader, task);
                else if (chores.count == 0 || workqueue_is_closed(reader->queue))
                        break;
                if (chores.count > 0)
                        do_slice(reader, &chores);
        }
        while (chores.count > 0) /* released, not done */
                loop_mailbox_post(reader->mailbox, take_chore(&chores));
        return NULL;
}

static void deliver(void *message, void *user) {
        struct reader_task *task = message;

        task->done(task);
}

static void release(void *message) {
        struct reader_task *task = message;

        task->release(task);
}

int reader_start(struct reader **ret, struct loop *loop, const char *path, const char *state_dir, char **ret_error) {
        struct reader *reader = NEW(struct reader);
        int r;

        reader->state_dir = xstrdup(state_dir);
        reader->queue = workqueue_new(QUEUE_MAX);
        r = schema_open_reader(&reader->db, path, ret_error);
        if (r >= 0) {
                r = loop_mailbox_new(loop, &reader->mailbox, deliver, reader);
                if (r >= 0)
                        r = thread_start(&reader->thread, "reader", reader_main, reader);
                if (r < 0)
                        (void)error_set(ret_error, r, "cannot start the thread that reads %s: %s", path, strerror(-r));
        }
        if (r >= 0) {
                *ret = reader;
                return 0;
        }
        reader->mailbox = loop_mailbox_free(reader->mailbox, NULL);
        (void)sqlite3_close(reader->db);
        reader->queue = workqueue_free(reader->queue);
        free(reader->state_dir);
        free(reader);
        return r;
}

struct reader *reader_stop(struct reader *reader) {
        struct reader_task *task;

        if (!reader)
                return NULL;
        /* What has not begun is not begun any more. */
        while ((task = workqueue_try_pop(reader->queue)))
                task->release(task);
        workqueue_close(reader->queue);
        (void)pthread_join(reader->thread, NULL);
        reader->mailbox = loop_mailbox_free(reader->mailbox, release);
        (void)sqlite3_close(reader->db);
        reader->queue = workqueue_free(reader->queue);
        free(reader->state_dir);
        free(reader);
        return NULL;
}

int reader_submit(struct reader *reader, struct reader_task *task) {
        return workqueue_push(reader->queue, task);
}
