/* The machine was restarted under runs: those end `failed`/`lost`, or `cancelled`/`stopped` where it went down in order
 * and the daemon still could end them; with RestartLost= they are started again. Which
 * boot a state folder was last used in is in state.db; it changes in the transaction in which the runs of the earlier
 * boot are marked as lost, so that a daemon that is killed meanwhile does neither twice. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine_internal.h"
#include "log.h"
#include "message_ids.h"
#include "strutil.h"
#include "xalloc.h"

#define BOOT_KEY "boot_id"
/* Then a run's id: what to start it again with, after the machine went down in order. */
#define STOPPED_PREFIX "stopped_by_shutdown/"
/* Among a run's options: how often in a row the machine went down under it. It tells a later daemon, too, that it was
 * the machine. */
#define TIMES_LOST "times_lost"
/* After so many in a row the run itself may be what takes the machine down. */
#define LOST_MAX 3

bool machine_was_restarted(struct engine *engine) {
        _cleanup_free_ char *before = NULL;
        char boot[37];
        int r;

        if (boot_id(boot) < 0)
                return false;
        r = store_load_setting(engine->store, BOOT_KEY, &before);
        if (r < 0 && r != -ENOENT)
                return false;
        if (r == 0 && streq(before, boot))
                return false;
        store_batch_put_setting(decisions_batch(engine), BOOT_KEY, boot);
        return r == 0;
}

void run_count_lost(struct run *run) {
        unsigned before = 0;

        if (run->plan.job->restart_lost && store_load_times_lost(run->engine->store, run->record.retry_of, &before) < 0)
                before = LOST_MAX; /* unknown: better not again */
        run->times_lost = before + 1;
        if (!run->record.options)
                run->record.options = jval_object();
        jval_set_int(run->record.options, TIMES_LOST, run->times_lost);
}

bool lost_goes_on_anew(const struct run_record *record, const struct job *job) {
        int64_t times = jval_get_int(record->options, TIMES_LOST, 0);

        return job->restart_lost && record->status == RUN_FAILED && record->reason == REASON_LOST && times > 0 &&
               times < LOST_MAX;
}

static void note(struct run *run, char *text) {
        if (!run->record.notes)
                run->record.notes = jval_array();
        jval_add(run->record.notes, jval_string(text));
        run_mark(run);
        log_at(LOG_LEVEL_NOTICE,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_RECOVERED, .run_id = run->record.run_id, .job = run->record.job},
               "%s #%" PRId64 ": %s", run->record.job, run->record.run_number, text);
        free(text);
}

void run_note_restarted(struct run *lost, int64_t run_number) {
        note(lost, xasprintf("started again as run %" PRId64, run_number));
}

char *lost_reason(int64_t run_number) {
        return xasprintf("the machine was restarted under run %" PRId64, run_number);
}

/* result: of the start of the run that takes the place of the other. */
static void link_to_lost(struct engine *engine, const struct jval *result, const char *lost_run_id) {
        struct run *again = engine_find_run(engine, str_or(jval_get_str(result, "run_id"), ""));

        if (!again)
                return;
        again->record.retry_of = xstrdup(lost_run_id);
        run_mark(again);
}

static void decided(const struct jval *params, const struct engine_error *refusal, const struct jval *result,
                    void *user) {
        struct run *lost = user;

        (void)params;
        if (refusal) {
                note(lost, xasprintf("not started again: %s", refusal->message));
                return;
        }
        link_to_lost(lost->engine, result, lost->record.run_id);
        run_note_restarted(lost, jval_get_int(result, "run_number", 0));
}

/* The steps that the run was made of, where it was not the whole mode. */
static struct jval *selected_steps(const struct run *run) {
        const struct mode *mode = run->plan.mode ? job_find_mode(run->plan.job, run->plan.mode) : NULL;
        size_t whole = 0;
        struct jval *steps;

        for (char **step = mode ? mode->steps : NULL; step && *step; step++)
                whole++;
        if (run->plan.n_steps == (mode ? whole : run->plan.job->n_steps))
                return NULL;
        steps = jval_array();
        for (size_t i = 0; i < run->plan.n_steps; i++)
                jval_add(steps, jval_string(run->plan.steps[i].step->name));
        return steps;
}

static struct jval *params_of(const struct run *run) {
        struct jval *params = jval_object(), *steps = selected_steps(run);
        _cleanup_free_ char *reason = lost_reason(run->record.run_number);

        jval_set_str(params, "job", run->record.job);
        jval_set_str(params, "triggered_by", trigger_to_string(TRIGGER_RETRY));
        jval_set_str(params, "reason", reason);
        if (run->record.batch_mode)
                jval_set_str(params, "mode", run->record.batch_mode);
        if (run->record.parameters)
                jval_set(params, "params", jval_deep_copy(run->record.parameters));
        if (steps)
                jval_set(params, "steps", steps);
        if (run->record.due_at)
                jval_set_time(params, "due", run->record.due_at);
        return params;
}

/* What it would be started with, beside its end: the next daemon no longer has its run. */
static void keep_for_next_boot(struct run *run) {
        _cleanup_free_ char *key = xasprintf(STOPPED_PREFIX "%s", run->record.run_id);
        struct jval *params = params_of(run);
        _cleanup_free_ char *text = jval_dump(params);

        jval_unref(params);
        store_batch_put_setting(decisions_batch(run->engine), key, text);
        note(run, xstrdup("to be started again when the machine is up"));
}

void run_restart_lost(struct run *run) {
        struct engine *engine = run->engine;

        if (engine->shutting_down && run->record.reason == REASON_STOPPED && run->plan.job->restart_lost &&
            !run->backfill && run->record.triggered_by != TRIGGER_BACKFILL)
                keep_for_next_boot(run);
        if (run->times_lost == 0 || run->record.reason != REASON_LOST || !run->plan.job->restart_lost)
                return;
        if (engine->recovering) /* all runs first: what is active decides about starts */
                return;
        if (!lost_goes_on_anew(&run->record, run->plan.job))
                note(run,
                     xasprintf("not started again: the machine went down under it %u times in a row", run->times_lost));
        else if (run->record.triggered_by != TRIGGER_BACKFILL) /* those its backfill starts again */
                start_run(act_of_daemon(engine, METHOD_RUN_START, params_of(run), decided, run));
}

/* A run that was stopped with the machine, and is in the history now. */
struct stopped_run {
        struct engine *engine;
        char *run_id, *job;
};

static void decided_stopped(const struct jval *params, const struct engine_error *refusal, const struct jval *result,
                            void *user) {
        struct stopped_run *stopped = user;

        (void)params;
        if (!refusal)
                link_to_lost(stopped->engine, result, stopped->run_id);
        else
                log_at(LOG_LEVEL_WARNING,
                       &(struct log_context){
                               .message_id = MESSAGE_ID_RUN_RECOVERED, .run_id = stopped->run_id, .job = stopped->job},
                       "%s, which was stopped when the machine went down, is not started again: %s", stopped->job,
                       refusal->message);
        free(stopped->run_id);
        free(stopped->job);
        free(stopped);
}

static void start_stopped(const char *run_id, const char *text, usec_t last_due, void *user) {
        struct engine *engine = user;
        struct stopped_run *stopped;
        struct jval *params = NULL;

        (void)last_due;
        if (jval_parse(text, strlen(text), &params, NULL) < 0)
                return;
        stopped = NEW(struct stopped_run);
        *stopped = (struct stopped_run){
                .engine = engine, .run_id = xstrdup(run_id), .job = xstrdup(str_or(jval_get_str(params, "job"), "?"))};
        start_run(act_of_daemon(engine, METHOD_RUN_START, params, decided_stopped, stopped));
}

int engine_restart_stopped(struct engine *engine) {
        int r = store_load_settings(engine->store, STOPPED_PREFIX, 0, start_stopped, engine);

        /* In the transaction of the starts: a daemon that is killed meanwhile does neither. */
        if (r == 0)
                store_batch_drop_settings(decisions_batch(engine), STOPPED_PREFIX);
        return r;
}
