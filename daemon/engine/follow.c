#include "follow.h"

#include <inttypes.h>

#include "engine_internal.h"
#include "log.h"
#include "message_ids.h"
#include "start.h"
#include "strutil.h"
#include "xalloc.h"

static void note(struct run *run, const char *job, const char *why) {
        _cleanup_free_ char *text = xasprintf("%s, which comes after this job, was not started: %s", job, why);

        jval_add(run->record.notes, jval_string(text));
        run_mark(run);
        log_at(LOG_LEVEL_WARNING,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_NOT_FOLLOWED, .run_id = run->record.run_id, .job = run->record.job},
               "%s #%" PRId64 ": %s", run->record.job, run->record.run_number, text);
}

static void decided(const struct jval *params, const struct engine_error *refusal, const struct jval *result,
                    void *user) {
        (void)result;
        if (refusal)
                note(user, str_or(jval_get_str(params, "job"), "?"), refusal->message);
}

/* Parameters that both have. */
static struct jval *shared_parameters(const struct run *run, const struct job *job) {
        struct jval *params = jval_object();

        for (size_t i = 0; i < job->n_parameters; i++) {
                struct jval *value = jval_get(run->record.parameters, job->parameters[i].name);

                if (value)
                        jval_set(params, job->parameters[i].name, jval_ref(value));
        }
        return params;
}

static void start_follower(struct run *run, const struct job *job) {
        struct jval *params = jval_object();
        const struct start_origin origin = {.parent_run_id = run->record.run_id, .is_held_back = true};
        struct act *act;

        jval_set_str(params, "job", job->name);
        jval_set_str(params, "triggered_by", trigger_to_string(TRIGGER_JOB));
        jval_set(params, "params", shared_parameters(run, job));
        act = act_of_daemon(run->engine, METHOD_RUN_START, params, decided, run);
        act->origin = &origin;
        start_run(act);
}

static bool follows(const struct job *job, const char *name) {
        for (size_t i = 0; i < job->after_jobs.count; i++)
                if (streq(job->after_jobs.items[i].name, name))
                        return true;
        return false;
}

void follow_run(struct run *run) {
        struct engine *engine = run->engine;
        enum run_status status = run->record.status;

        /* The runs of a backfill bring about no others: what comes after them is backfilled by itself. */
        if ((status != RUN_SUCCESS && status != RUN_PARTIAL) || run->record.triggered_by == TRIGGER_BACKFILL ||
            run->backfill)
                return;
        for (size_t i = 0; i < engine->jobs.count; i++)
                if (engine->jobs.entries[i].job && follows(engine->jobs.entries[i].job, run->record.job))
                        start_follower(run, engine->jobs.entries[i].job);
}
