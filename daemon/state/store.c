#include "store.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "errortext.h"
#include "fileutil.h"
#include "log.h"
#include "schema.h"
#include "state_lock.h"
#include "store_internal.h"
#include "strutil.h"
#include "thread.h"
#include "workqueue.h"
#include "writer.h"
#include "xalloc.h"

#define QUEUE_MAX 1024
#define GROUP_MAX 64 /* batches in one transaction */
#define RETRY_INTERVAL USEC_PER_SEC
#define CLOSING_TRIES 3
/* A disk that takes longer than this for a commit is as good as none: nothing new is begun on it. */
#define SILENCE_MAX (10 * USEC_PER_SEC)

struct store {
        char *state_dir, *path;
        char instance[UUID_SIZE];
        int lock_fd;
        struct workqueue *queue;
        struct loop_mailbox *mailbox;
        struct reader *reader;
        struct writer *writer; /* the thread's own while it runs */
        pthread_t thread;
        int closing_fd; /* an eventfd that wakes the thread where it waits for the disk */
        atomic_bool closing;
        atomic_int thread_id;
        /* The loop's */
        size_t backlog;
        usec_t sign_of_life; /* boot clock: when the thread last said something, or got something to do */
        char *trouble;
        char *silence; /* in words; the last one told */
};

/* From the thread to the loop: a batch that is durable, or why writing does not work (text NULL: it does again). */
struct message {
        struct store_batch *batch;
        char *trouble;
};

static void message_free(void *pointer) {
        struct message *message = pointer;

        (void)store_batch_free(message->batch);
        free(message->trouble);
        free(message);
}

static void tell_trouble(const struct store *store, const char *trouble) {
        if (trouble && !store->trouble)
                log_error("%s; what is decided is held and tried again, and nothing new is started", trouble);
        else if (!trouble && store->trouble)
                log_notice("%s is written again", store->path);
}

static void deliver(void *pointer, void *user) {
        struct message *message = pointer;
        struct store *store = user;

        store->sign_of_life = now_boottime();
        if (store->silence) {
                log_notice("the disk answers again");
                free(store->silence);
                store->silence = NULL;
        }
        if (message->batch) {
                store->backlog--;
                message->batch->release = NULL;
                if (message->batch->done)
                        message->batch->done(message->batch->user);
        } else {
                tell_trouble(store, message->trouble);
                free(store->trouble);
                store->trouble = STEAL_PTR(message->trouble);
        }
        message_free(message);
}

static void post(struct store *store, struct store_batch *batch, char *trouble) {
        struct message *message = NEW(struct message);

        message->batch = batch;
        message->trouble = trouble;
        loop_mailbox_post(store->mailbox, message);
}

/* A second, or until the store closes. */
static void wait_for_retry(struct store *store) {
        struct pollfd closing = {.fd = store->closing_fd, .events = POLLIN};

        (void)poll(&closing, 1, (int)(RETRY_INTERVAL / USEC_PER_MSEC));
}

/* Until it is durable; gives up only when the store closes. */
static bool commit_group(struct store *store, struct store_batch **group, size_t n) {
        bool in_trouble = false;
        unsigned closing_tries = 0;

        for (;;) {
                char *error = NULL;
                if (writer_commit(store->writer, group, n, &error) >= 0) {
                        if (in_trouble)
                                post(store, NULL, NULL);
                        return true;
                }
                in_trouble = true;
                post(store, NULL, error);
                if (atomic_load(&store->closing) && ++closing_tries >= CLOSING_TRIES)
                        return false;
                wait_for_retry(store);
        }
}

static void *store_main(void *user) {
        struct store *store = user;
        struct store_batch *group[GROUP_MAX];

        atomic_store(&store->thread_id, gettid());
        while ((group[0] = workqueue_pop(store->queue))) {
                size_t n = 1;
                while (n < GROUP_MAX && (group[n] = workqueue_try_pop(store->queue)))
                        n++;
                for (size_t i = 0; i < n; i++)
                        writer_prepare(group[i]);
                bool durable = commit_group(store, group, n);
                for (size_t i = 0; i < n; i++)
                        if (durable)
                                post(store, group[i], NULL);
                        else /* nobody was told that it happened */
                                (void)store_batch_free(group[i]);
                writer_checkpoint(store->writer, workqueue_length(store->queue) == 0);
        }
        return NULL;
}

static int load_instance(struct store *store, sqlite3 *db) {
        sqlite3_stmt *statement = NULL;
        int r = -EPROTO;

        if (sqlite3_prepare_v2(db, "SELECT value FROM settings WHERE key = 'instance'", -1, &statement, NULL) ==
                    SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(statement, 0);
                if (text && uuid_is_valid(text)) {
                        memcpy(store->instance, text, UUID_SIZE);
                        r = 0;
                }
        }
        (void)sqlite3_finalize(statement);
        return r;
}

static int open_files(struct store *store, char **ret_error) {
        sqlite3 *db;
        int r;

        r = mkdir_parents(store->state_dir, 0755);
        if (r < 0)
                return error_set(ret_error, r, "cannot create the state folder %s: %s", store->state_dir, strerror(-r));
        store->lock_fd = state_lock_take(store->state_dir, ret_error);
        if (store->lock_fd < 0)
                return store->lock_fd;
        r = schema_open_writer(&db, store->path, ret_error);
        if (r < 0)
                return r;
        r = load_instance(store, db);
        if (r < 0)
                (void)error_set(ret_error, r,
                                "%s has no instance id in its table settings: it is damaged; move it away",
                                store->path);
        store->writer = writer_new(db, r < 0 ? NULL : ret_error);
        return r < 0 ? r : store->writer ? 0 : -EPROTO;
}

static int start(struct store *store, struct loop *loop, char **ret_error) {
        int r = open_files(store, ret_error);

        if (r < 0)
                return r;
        r = reader_start(&store->reader, loop, store->path, store->state_dir, ret_error);
        if (r < 0)
                return r;
        store->queue = workqueue_new(QUEUE_MAX);
        store->closing_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (store->closing_fd < 0)
                return error_set(ret_error, -errno, "cannot make an eventfd: %s", strerror(errno));
        r = loop_mailbox_new(loop, &store->mailbox, deliver, store);
        if (r >= 0)
                r = thread_start(&store->thread, "store", store_main, store);
        if (r < 0)
                return error_set(ret_error, r, "cannot start the thread that writes %s: %s", store->path, strerror(-r));
        return 0;
}

static struct store *release(struct store *store) {
        store->mailbox = loop_mailbox_free(store->mailbox, message_free);
        store->reader = reader_stop(store->reader);
        store->writer = writer_free(store->writer);
        store->queue = workqueue_free(store->queue);
        if (store->lock_fd >= 0)
                (void)close(store->lock_fd);
        if (store->closing_fd >= 0)
                (void)close(store->closing_fd);
        free(store->trouble);
        free(store->silence);
        free(store->path);
        free(store->state_dir);
        free(store);
        return NULL;
}

int store_open(struct store **ret, struct loop *loop, const char *state_dir, char **ret_error) {
        struct store *store = NEW(struct store);

        store->lock_fd = store->closing_fd = -1;
        store->state_dir = xstrdup(state_dir);
        store->path = path_join(state_dir, "state.db");
        int r = start(store, loop, ret_error);
        if (r < 0) {
                (void)release(store);
                return r;
        }
        *ret = store;
        return 0;
}

struct store *store_close(struct store *store) {
        if (!store)
                return NULL;
        atomic_store(&store->closing, true);
        (void)eventfd_write(store->closing_fd, 1);
        workqueue_close(store->queue);
        (void)pthread_join(store->thread, NULL);
        return release(store);
}

const char *store_instance(const struct store *store) {
        return store->instance;
}

const char *store_path(const struct store *store) {
        return store->path;
}

const char *store_state_dir(const struct store *store) {
        return store->state_dir;
}

struct reader *store_reader(const struct store *store) {
        return store->reader;
}

int store_submit(struct store *store, struct store_batch *batch, void (*done)(void *user), void *user) {
        batch->done = done;
        batch->user = user;
        if (store->backlog == 0)
                store->sign_of_life = now_boottime();
        int r = workqueue_push(store->queue, batch);
        if (r >= 0)
                store->backlog++;
        return r;
}

usec_t store_silence(const struct store *store) {
        return store->backlog > 0 ? now_boottime() - store->sign_of_life : 0;
}

bool store_waits_for_disk(const struct store *store) {
        _cleanup_free_ char *path = xasprintf("/proc/self/task/%d/stat", atomic_load(&store->thread_id));
        _cleanup_free_ char *stat = NULL;
        const char *state;
        size_t len;

        if (read_file(path, 4096, &stat, &len) < 0)
                return false;
        state = strrchr(stat, ')'); /* "TID (NAME) STATE ..." */
        return state && startswith(state, ") D");
}

const char *store_trouble(struct store *store) {
        usec_t silence = store_silence(store);
        char span[TIMESPAN_SIZE];

        if (store->trouble || silence < SILENCE_MAX)
                return store->trouble;
        if (!store->silence)
                log_error("the disk has not answered for %s; what is decided is held, and nothing new is started",
                          format_timespan(span, silence));
        free(store->silence);
        store->silence = xasprintf("the disk has not answered for %s", format_timespan(span, silence));
        return store->silence;
}

size_t store_backlog(const struct store *store) {
        return store->backlog;
}
