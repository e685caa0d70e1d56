#include "file_systems.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "macro.h"
#include "reader.h"
#include "store_internal.h"
#include "timeutil.h"
#include "xalloc.h"

/* Nobody has to ask for a disk that becomes full to be in the log. */
#define INTERVAL (30 * USEC_PER_SEC)
/* Those who ask often have no more of it. */
#define FRESH USEC_PER_SEC
/* The thread that measures answers within this, or its disk does not. */
#define PATIENCE (10 * USEC_PER_SEC)
#define ENOUGH_BYTES ((uint64_t)1 << 30)
#define ENOUGH_INODES 10000

struct measured {
        int error; /* negative errno */
        dev_t device;
        uint64_t free_bytes, total_bytes, free_inodes, total_inodes; /* total_inodes 0: the file system has no bound */
};

struct use {
        char *holds, *path;
        struct measured last;
        bool is_told; /* in the log, that it is low */
};

struct measurement {
        struct reader_task task;
        struct file_systems *owner; /* NULL: gone; of the loop's thread */
        size_t n;
        char **paths;
        struct measured *results;
};

struct file_systems {
        struct reader *reader;
        struct loop_timer *timer;
        struct use *uses;
        size_t n_uses;
        struct measurement *pending;
        usec_t asked_at, measured_at; /* boot clock; measured_at: the last one that came back */
        usec_t measured_realtime;
};

bool file_system_is_low(uint64_t left, uint64_t total, uint64_t enough) {
        return left < enough && left < total / 10;
}

static bool is_low(const struct measured *measured) {
        return measured->error == 0 &&
               (file_system_is_low(measured->free_bytes, measured->total_bytes, ENOUGH_BYTES) ||
                file_system_is_low(measured->free_inodes, measured->total_inodes, ENOUGH_INODES));
}

/* Free is what an ordinary user may still take. A folder that is not made yet will be on its parent's. */
static struct measured measure(const char *path) {
        _cleanup_free_ char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
        struct statvfs room;
        struct stat status;

        if (access(path, F_OK) < 0 && errno == ENOENT && *parent)
                path = parent;
        if (statvfs(path, &room) < 0 || stat(path, &status) < 0)
                return (struct measured){.error = -errno};
        return (struct measured){
                .device = status.st_dev,
                .free_bytes = (uint64_t)room.f_bavail * room.f_frsize,
                .total_bytes = (uint64_t)room.f_blocks * room.f_frsize,
                .free_inodes = room.f_favail,
                .total_inodes = room.f_files,
        };
}

static void measurement_free(struct measurement *measurement) {
        for (size_t i = 0; i < measurement->n; i++)
                free(measurement->paths[i]);
        free(measurement->paths);
        free(measurement->results);
        free(measurement);
}

static bool measurement_work(struct reader_task *task, sqlite3 *db, const char *state_dir) {
        struct measurement *measurement = CONTAINER_OF(task, struct measurement, task);

        for (size_t i = 0; i < measurement->n; i++)
                measurement->results[i] = measure(measurement->paths[i]);
        return true;
}

/* The first of the uses that has its file system in common with this one. */
static size_t first_on_device(const struct file_systems *systems, size_t index) {
        const struct use *use = &systems->uses[index];

        for (size_t i = 0; i < index && use->last.error == 0; i++)
                if (systems->uses[i].last.error == 0 && systems->uses[i].last.device == use->last.device)
                        return i;
        return index;
}

/* In the log, when it becomes low and when it is no longer. */
static void tell(struct use *use) {
        const struct measured *last = &use->last;

        if (last->error < 0 || is_low(last) == use->is_told)
                return;
        use->is_told = !use->is_told;
        if (use->is_told)
                log_warning("%s has little room left: %" PRIu64 " of %" PRIu64 " MiB and %" PRIu64 " of %" PRIu64
                            " files are free",
                            use->path, last->free_bytes >> 20, last->total_bytes >> 20, last->free_inodes,
                            last->total_inodes);
        else
                log_info("%s has room again: %" PRIu64 " of %" PRIu64 " MiB are free", use->path,
                         last->free_bytes >> 20, last->total_bytes >> 20);
}

static void take(struct file_systems *systems, const struct measured *results) {
        systems->measured_at = now_boottime();
        systems->measured_realtime = now_realtime();
        for (size_t i = 0; i < systems->n_uses; i++)
                systems->uses[i].last = results[i];
        for (size_t i = 0; i < systems->n_uses; i++)
                if (first_on_device(systems, i) == i)
                        tell(&systems->uses[i]);
}

static void measurement_done(struct reader_task *task) {
        struct measurement *measurement = CONTAINER_OF(task, struct measurement, task);

        if (measurement->owner) {
                measurement->owner->pending = NULL;
                take(measurement->owner, measurement->results);
        }
        measurement_free(measurement);
}

static void measurement_release(struct reader_task *task) {
        measurement_free(CONTAINER_OF(task, struct measurement, task));
}

static struct measurement *measurement_new(struct file_systems *systems) {
        struct measurement *measurement = NEW(struct measurement);

        *measurement = (struct measurement){
                .task = {.work = measurement_work, .done = measurement_done, .release = measurement_release},
                .owner = systems,
                .n = systems->n_uses,
                .paths = xcalloc(systems->n_uses, sizeof(char *)),
                .results = xcalloc(systems->n_uses, sizeof(struct measured)),
        };
        for (size_t i = 0; i < systems->n_uses; i++)
                measurement->paths[i] = xstrdup(systems->uses[i].path);
        return measurement;
}

static void begin(struct file_systems *systems) {
        struct measurement *measurement;

        if (systems->pending)
                return;
        measurement = measurement_new(systems);
        systems->asked_at = now_boottime();
        if (reader_submit(systems->reader, &measurement->task) < 0)
                measurement_free(measurement); /* too much is asked of the reader: at the next interval */
        else
                systems->pending = measurement;
}

static void interval_passed(void *user) {
        struct file_systems *systems = user;

        begin(systems);
        loop_timer_arm(systems->timer, INTERVAL);
}

int file_systems_new(struct file_systems **ret, struct loop *loop, struct store *store,
                     const struct file_system_use *uses, size_t n_uses) {
        struct file_systems *systems = NEW(struct file_systems);
        struct measurement *first;
        int r;

        *systems = (struct file_systems){
                .reader = store_reader(store),
                .uses = xcalloc(n_uses, sizeof(struct use)),
                .n_uses = n_uses,
        };
        for (size_t i = 0; i < n_uses; i++)
                systems->uses[i] = (struct use){.holds = xstrdup(uses[i].holds), .path = xstrdup(uses[i].path)};
        r = loop_timer_new(loop, &systems->timer, interval_passed, systems);
        if (r < 0) {
                (void)file_systems_free(systems);
                return r;
        }
        first = measurement_new(systems);
        measurement_work(&first->task, NULL, NULL);
        measurement_done(&first->task);
        loop_timer_arm(systems->timer, INTERVAL);
        *ret = systems;
        return 0;
}

struct file_systems *file_systems_free(struct file_systems *systems) {
        if (!systems)
                return NULL;
        if (systems->pending)
                systems->pending->owner = NULL;
        systems->timer = loop_timer_free(systems->timer);
        for (size_t i = 0; i < systems->n_uses; i++) {
                free(systems->uses[i].holds);
                free(systems->uses[i].path);
        }
        free(systems->uses);
        free(systems);
        return NULL;
}

static void set_state(struct jval *object, const struct file_systems *systems, const struct measured *last) {
        usec_t silence = systems->pending ? now_boottime() - systems->asked_at : 0;
        char span[TIMESPAN_SIZE];
        _cleanup_free_ char *error = silence > PATIENCE ? xasprintf("no answer for %s", format_timespan(span, silence))
                                     : last->error < 0  ? xstrdup(strerror(-last->error))
                                                        : NULL;

        jval_set_str(object, "state", error ? "unknown" : is_low(last) ? "low" : "ok");
        jval_set_str(object, "error", error);
}

static struct jval *use_json(const struct file_systems *systems, size_t index) {
        const struct measured *last = &systems->uses[index].last;
        struct jval *object = jval_object(), *holds = jval_array();

        for (size_t i = index; i < systems->n_uses; i++)
                if (first_on_device(systems, i) == index)
                        jval_add(holds, jval_string(systems->uses[i].holds));
        jval_set_str(object, "path", systems->uses[index].path);
        jval_set(object, "holds", holds);
        set_state(object, systems, last);
        jval_set_time(object, "measured_at", systems->measured_realtime);
        if (last->error == 0) {
                jval_set_int(object, "free_bytes", (int64_t)last->free_bytes);
                jval_set_int(object, "total_bytes", (int64_t)last->total_bytes);
                jval_set_int(object, "free_inodes", (int64_t)last->free_inodes);
                jval_set_int(object, "total_inodes", (int64_t)last->total_inodes);
        }
        return object;
}

struct jval *file_systems_json(struct file_systems *systems) {
        struct jval *array = jval_array();

        for (size_t i = 0; i < systems->n_uses; i++)
                if (first_on_device(systems, i) == i)
                        jval_add(array, use_json(systems, i));
        if (now_boottime() - systems->measured_at > FRESH)
                begin(systems);
        return array;
}
