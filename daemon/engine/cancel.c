/* run.cancel, and the ordered stop of everything. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine_internal.h"
#include "log.h"
#include "selector.h"
#include "strutil.h"
#include "xalloc.h"

/* What is to end ends now though it cannot be recorded: it may be what fills the disk. The attempt files, which have
 * their place, keep that it was stopped; the record and the answer come when there is room. */
static void stop_unrecorded(struct run *run) {
        if (!store_trouble(run->engine->store))
                return;
        for (struct task_run *task = run->alive; task; task = task->next_alive)
                if (task->attempt)
                        attempt_stop(task->attempt);
}

static bool has_attempts(const struct engine *engine) {
        for (const struct run *run = engine->runs; run; run = run->next)
                for (const struct task_run *task = run->alive; task; task = task->next_alive)
                        if (task->attempt)
                                return true;
        return false;
}

void engine_leave_unrecorded(struct engine *engine) {
        void (*stopped)(void *user) = engine->stopped;

        if (!stopped || !store_trouble(engine->store) || has_attempts(engine))
                return;
        log_error("leaving, with runs that ended and cannot be recorded: the next start does it (%s)",
                  store_trouble(engine->store));
        engine->stopped = NULL;
        stopped(engine->stopped_user);
}

static void cancel_run(struct act *act, struct run *run) {
        const char *reason = jval_get_str(act->params, "reason");

        if (reason)
                jval_add(run->record.notes, jval_stringn(reason, MIN(strlen(reason), (size_t)1000)));
        act->waiting = run->cancel_acts;
        run->cancel_acts = act;
        act_note_begun(act);
        run_cancel(run, REASON_REQUEST);
        stop_unrecorded(run);
}

/* A run that had more attempts than this is told to have ended as many processes as these had. */
#define ATTEMPTS_MAX 10000

static int64_t processes_ended(const struct jval *attempts) {
        int64_t sum = 0;

        for (size_t i = 0; i < jval_array_size(attempts); i++)
                sum += jval_get_int(jval_at(attempts, i), "processes_ended", 0);
        return sum;
}

/* What an earlier daemon would have answered, had it lived. */
static void answer_for_earlier(struct act *act, const struct jval *found) {
        static const char *const members[] = {"run_number", "run_id", "job", "status"};
        const struct jval *run = jval_get(found, "run");
        struct jval *result = jval_object();

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                jval_set(result, members[i], jval_ref(jval_get(run, members[i])));
        jval_set_int(result, "processes_ended", processes_ended(jval_get(found, "attempts")));
        act_succeed(act, result, jval_get_str(run, "run_id"));
}

/* The run is not active: it has ended, or there is none. */
static void looked_up(int error, const char *error_text, struct jval *found, void *user) {
        struct act *act = user;
        const struct jval *run = jval_get(found, "run");

        if (error == -ENOENT)
                act_fail(act, ERROR_KIND_NOT_FOUND, NULL, "see batchctl history: there is no such run");
        else if (error < 0)
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "try again: the history cannot be read: %s",
                         str_or(error_text, strerror(-error)));
        else if (act->was_begun)
                answer_for_earlier(act, found);
        else
                act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL, "nothing to cancel: run %" PRId64 " has ended: %s",
                         jval_get_int(run, "run_number", 0), str_or(jval_get_str(run, "status"), "?"));
        if (found)
                jval_unref(found);
}

static void cancel_only_one(struct act *act) {
        struct engine *engine = act->engine;

        if (engine->n_runs == 1)
                cancel_run(act, engine->runs);
        else if (engine->n_runs == 0)
                act_fail(act, ERROR_KIND_NOT_FOUND, NULL, "nothing to cancel: nothing runs");
        else
                act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL, "say which run (see: batchctl status): %zu are active",
                         engine->n_runs);
}

static void cancel_handler(struct act *act) {
        _cleanup_free_ char *selector = selector_text(act->params, "run");
        struct run *run;

        if (!selector) {
                cancel_only_one(act);
                return;
        }
        run = engine_find_run(act->engine, selector);
        if (run && !run->ended)
                cancel_run(act, run);
        else if (history_run_page(act->engine->history, selector, 0, ATTEMPTS_MAX, looked_up, act) < 0)
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "try again in a moment: too many questions wait for state.db");
}

void engine_run_cancel(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_RUN_CANCEL, params, caller, fn, user, cancel_handler);
}

void engine_stop(struct engine *engine, bool for_shutdown, void (*done)(void *user), void *user) {
        engine->stopping = true;
        engine->shutting_down = for_shutdown;
        engine->stopped = done;
        engine->stopped_user = user;
        for (struct run *run = engine->runs; run; run = run->next) {
                run_cancel(run, REASON_STOPPED);
                stop_unrecorded(run);
        }
        if (!engine->runs)
                decisions_after_commit(engine, done, user);
        engine_leave_unrecorded(engine);
}
