#include "fake_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "frame.h"
#include "strutil.h"
#include "xalloc.h"

struct held {
        STAILQ_ENTRY(held) link;
        char *method;
        engine_answer_fn fn;
        void *user;
};

struct engine_watch {
        LIST_ENTRY(engine_watch) link;
        struct engine *engine;
        struct engine_watch_events events;
        void *user;
        unsigned long lines_left;
        uint64_t sequence;
        bool asked; /* ready has been called and not been answered by a read */
        bool ended;
};

struct engine {
        struct fake_engine_state state;
        STAILQ_HEAD(, held) held;
        LIST_HEAD(, engine_watch) watches;
};

struct engine *fake_engine_new(void) {
        struct engine *engine = NEW(struct engine);

        engine->state.notification_bytes = 80;
        STAILQ_INIT(&engine->held);
        LIST_INIT(&engine->watches);
        return engine;
}

void fake_engine_free(struct engine *engine) {
        fake_engine_release(engine);
        free(engine);
}

struct fake_engine_state *fake_engine_state(struct engine *engine) {
        return &engine->state;
}

static void answer(struct engine *engine, const char *method, engine_answer_fn fn, void *user) {
        struct jval *result;

        if (engine->state.refuse) {
                struct jval *data = jval_object();

                jval_set_int(data, "run_number", 41);
                fn(&(struct engine_error){.kind = engine->state.refuse_with,
                                          .message = "refused as the test wants",
                                          .data = data},
                   NULL, user);
                jval_unref(data);
                return;
        }
        result = jval_object();
        jval_set_str(result, "method", method);
        if (engine->state.answer_bytes > 0) {
                char *padding = xmalloc(engine->state.answer_bytes + 1);

                memset(padding, 'x', engine->state.answer_bytes);
                padding[engine->state.answer_bytes] = 0;
                jval_set_str(result, "padding", padding);
                free(padding);
        }
        fn(NULL, result, user);
}

static void called(struct engine *engine, const char *method, engine_answer_fn fn, void *user) {
        engine->state.calls++;
        (void)snprintf(engine->state.last_method, sizeof(engine->state.last_method), "%s", method);
        if (engine->state.hold) {
                struct held *held = NEW(struct held);

                *held = (struct held){.method = xstrdup(method), .fn = fn, .user = user};
                STAILQ_INSERT_TAIL(&engine->held, held, link);
                engine->state.held++;
                return;
        }
        answer(engine, method, fn, user);
}

void fake_engine_release(struct engine *engine) {
        struct held *held;

        while ((held = STAILQ_FIRST(&engine->held))) {
                STAILQ_REMOVE_HEAD(&engine->held, link);
                engine->state.held--;
                answer(engine, held->method, held->fn, held->user);
                free(held->method);
                free(held);
        }
}

static void keep_caller(struct engine *engine, const struct caller *caller) {
        (void)snprintf(engine->state.last_user, sizeof(engine->state.last_user), "%s", caller->user);
        (void)snprintf(engine->state.last_on_behalf, sizeof(engine->state.last_on_behalf), "%s",
                       str_or(caller->on_behalf, ""));
}

#define WATCH_METHOD(function, name)                                                                                   \
        void function(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {             \
                called(engine, name, fn, user);                                                                        \
        }
#define ACT_METHOD(function, name)                                                                                     \
        void function(struct engine *engine, const struct jval *params, const struct caller *caller,                   \
                      engine_answer_fn fn, void *user) {                                                               \
                keep_caller(engine, caller);                                                                           \
                called(engine, name, fn, user);                                                                        \
        }

WATCH_METHOD(engine_status, "daemon.status")
WATCH_METHOD(engine_job_list, "job.list")
WATCH_METHOD(engine_job_show, "job.show")
WATCH_METHOD(engine_run_current, "run.current")
WATCH_METHOD(engine_run_list, "run.list")
WATCH_METHOD(engine_run_show, "run.show")
WATCH_METHOD(engine_log_read, "log.read")
WATCH_METHOD(engine_run_summary, "run.summary")
WATCH_METHOD(engine_run_quality, "run.quality")
WATCH_METHOD(engine_job_health, "job.health")
WATCH_METHOD(engine_run_why, "run.why")
WATCH_METHOD(engine_step_list, "step.list")
WATCH_METHOD(engine_limit_list, "limit.list")
WATCH_METHOD(engine_audit_list, "audit.list")
WATCH_METHOD(engine_readiness_show, "readiness.show")
ACT_METHOD(engine_readiness_refresh, "readiness.refresh")
ACT_METHOD(engine_run_start, "run.start")
ACT_METHOD(engine_run_retry, "run.retry")
ACT_METHOD(engine_run_backfill, "run.backfill")
ACT_METHOD(engine_run_cancel, "run.cancel")
ACT_METHOD(engine_reload, "daemon.reload")
ACT_METHOD(engine_drain, "daemon.drain")
ACT_METHOD(engine_job_pause, "job.pause")
ACT_METHOD(engine_job_resume, "job.resume")
ACT_METHOD(engine_breaker_reset, "breaker.reset")
WATCH_METHOD(engine_schedule_list, "schedule.list")
WATCH_METHOD(engine_alert_list, "alert.list")
ACT_METHOD(engine_alert_test, "alert.test")

void engine_audit_refused(struct engine *engine, const char *method, const struct jval *params,
                          const struct caller *caller, const char *outcome) {
        engine->state.audited++;
        keep_caller(engine, caller);
        (void)snprintf(engine->state.last_method, sizeof(engine->state.last_method), "%s", method);
        (void)snprintf(engine->state.last_outcome, sizeof(engine->state.last_outcome), "%s", outcome);
}

void engine_run_tail(struct engine *engine, const struct jval *params, const struct engine_watch_events *events,
                     void *events_user, struct engine_watch **ret_watch, engine_answer_fn fn, void *user) {
        if (params && jval_get_bool(params, "follow", false) && !engine->state.refuse) {
                struct engine_watch *watch = NEW(struct engine_watch);

                *watch = (struct engine_watch){.engine = engine,
                                               .events = *events,
                                               .user = events_user,
                                               .lines_left = engine->state.lines_left};
                LIST_INSERT_HEAD(&engine->watches, watch, link);
                engine->state.watches++;
                *ret_watch = watch;
        }
        called(engine, "run.tail", fn, user);
}

void engine_events_subscribe(struct engine *engine, const struct jval *params, const struct engine_watch_events *events,
                             void *events_user, struct engine_watch **ret_watch, engine_answer_fn fn, void *user) {
        called(engine, "events.subscribe", fn, user);
}

static void append_line(struct engine_watch *watch, struct buf *out) {
        size_t mark = frame_begin(out);

        (void)buf_appendf(out,
                          "{\"jsonrpc\":\"2.0\",\"method\":\"run.lines\",\"params\":{\"seq\":%" PRIu64
                          ",\"text\":\"%0*d\"}}",
                          ++watch->sequence, (int)watch->engine->state.notification_bytes, 0);
        (void)frame_end(out, mark);
        watch->lines_left--;
}

int engine_watch_read(struct engine_watch *watch, struct buf *out) {
        static const char end[] = "{\"jsonrpc\":\"2.0\",\"method\":\"run.end\",\"params\":{\"status\":\"success\"}}";

        watch->asked = false;
        if (watch->ended)
                return -EPIPE;
        if (watch->lines_left > 0) {
                append_line(watch, out);
                return 1;
        }
        if (!watch->engine->state.end_after_lines)
                return 0;
        (void)frame_append(out, end, sizeof(end) - 1);
        watch->ended = true;
        return 1;
}

struct engine_watch *engine_watch_free(struct engine_watch *watch) {
        LIST_REMOVE(watch, link);
        watch->engine->state.watches--;
        free(watch);
        return NULL;
}

void fake_engine_add_lines(struct engine *engine, unsigned long lines) {
        struct engine_watch *watch;

        LIST_FOREACH(watch, &engine->watches, link) {
                watch->lines_left += lines;
                if (watch->asked)
                        continue;
                watch->asked = true;
                watch->events.ready(watch->user);
        }
}

char *engine_status_line(const struct engine *engine) {
        return xstrdup("0 runs active");
}
