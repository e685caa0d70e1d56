#include "dispatch.h"

#include <assert.h>

#include "hello.h"
#include "macro.h"
#include "stream.h"

typedef void (*watch_fn)(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
typedef void (*act_fn)(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user);
typedef void (*session_fn)(struct request *request);

/* One of them a method. */
static const struct handler {
        watch_fn watch;     /* the engine answers */
        act_fn act;         /* the engine answers, and keeps who did it */
        session_fn session; /* needs the connection itself */
} handlers[] = {
        [METHOD_DAEMON_HELLO] = {.session = hello_handle},
        [METHOD_DAEMON_STATUS] = {.watch = engine_status},
        [METHOD_DAEMON_RELOAD] = {.act = engine_reload},
        [METHOD_JOB_LIST] = {.watch = engine_job_list},
        [METHOD_JOB_SHOW] = {.watch = engine_job_show},
        [METHOD_RUN_START] = {.act = engine_run_start},
        [METHOD_RUN_CURRENT] = {.watch = engine_run_current},
        [METHOD_RUN_LIST] = {.watch = engine_run_list},
        [METHOD_RUN_SHOW] = {.watch = engine_run_show},
        [METHOD_RUN_RETRY] = {.act = engine_run_retry},
        [METHOD_RUN_BACKFILL] = {.act = engine_run_backfill},
        [METHOD_RUN_CANCEL] = {.act = engine_run_cancel},
        [METHOD_DAEMON_DRAIN] = {.act = engine_drain},
        [METHOD_JOB_PAUSE] = {.act = engine_job_pause},
        [METHOD_JOB_RESUME] = {.act = engine_job_resume},
        [METHOD_BREAKER_RESET] = {.act = engine_breaker_reset},
        [METHOD_SCHEDULE_LIST] = {.watch = engine_schedule_list},
        [METHOD_RUN_TAIL] = {.session = stream_handle_tail},
        [METHOD_EVENTS_SUBSCRIBE] = {.session = stream_handle_events},
        [METHOD_LOG_READ] = {.watch = engine_log_read},
        [METHOD_RUN_SUMMARY] = {.watch = engine_run_summary},
        [METHOD_RUN_QUALITY] = {.watch = engine_run_quality},
        [METHOD_JOB_HEALTH] = {.watch = engine_job_health},
        [METHOD_RUN_WHY] = {.watch = engine_run_why},
        [METHOD_STEP_LIST] = {.watch = engine_step_list},
        [METHOD_ALERT_LIST] = {.watch = engine_alert_list},
        [METHOD_ALERT_TEST] = {.act = engine_alert_test},
        [METHOD_LIMIT_LIST] = {.watch = engine_limit_list},
        [METHOD_AUDIT_LIST] = {.watch = engine_audit_list},
        [METHOD_READINESS_SHOW] = {.watch = engine_readiness_show},
        [METHOD_READINESS_REFRESH] = {.act = engine_readiness_refresh},
};
static_assert(ELEMENTSOF(handlers) == _METHOD_MAX, "a handler for every method");

unsigned dispatch_handlers_of(enum method_id id) {
        const struct handler *handler = &handlers[id];

        return (handler->watch != NULL) + (handler->act != NULL) + (handler->session != NULL);
}

void dispatch(struct request *request) {
        const struct handler *handler = &handlers[request->method->id];
        struct engine *engine = session_context(request->session)->engine;

        if (handler->watch) {
                handler->watch(engine, request->rpc.params, request_answer, request);
        } else if (handler->act) {
                struct caller caller;

                request_caller(request, &caller);
                handler->act(engine, request->rpc.params, &caller, request_answer, request);
        } else {
                handler->session(request);
        }
}
