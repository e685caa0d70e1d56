#include "breaker_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "breaker.h"
#include "engine_internal.h"
#include "gates.h"
#include "log.h"
#include "message_ids.h"
#include "strutil.h"
#include "xalloc.h"

#define BREAKER_SETTING "breaker/" /* then JOB/STEP: neither name has a slash */
#define OPEN_SHOWN 100

static usec_t time_member(const struct jval *object, const char *key) {
        const char *text = jval_get_str(object, key);
        usec_t value = 0;

        if (text)
                (void)parse_rfc3339(text, &value);
        return value;
}

static struct breaker breaker_of(const struct jval *kept) {
        return (struct breaker){
                .failures = (unsigned)jval_get_int(kept, "failures", 0),
                .opened_at = time_member(kept, "opened_at"),
                .until = time_member(kept, "until"),
                .is_probed = jval_is_object(jval_get(kept, "probe")),
        };
}

static struct breaker_rule rule_of(const struct step *step) {
        return (struct breaker_rule){.failures = step->breaker_failures, .reset = step->breaker_reset};
}

static char *name_of(const char *job, const char *step) {
        return xasprintf("%s/%s", job, step);
}

static char *name_of_task(const struct task_run *task) {
        return name_of(task->run->record.job, task_step(task)->name);
}

/* kept NULL: closed, and nothing is counted. Takes kept over. */
static void keep(struct engine *engine, const char *name, struct jval *kept) {
        _cleanup_free_ char *key = xasprintf(BREAKER_SETTING "%s", name), *text = kept ? jval_dump(kept) : xstrdup("");

        store_batch_put_setting(decisions_batch(engine), key, text);
        if (kept)
                jval_set(engine->breakers, name, kept);
        else
                jval_remove(engine->breakers, name);
}

static void load(const char *name, const char *value, usec_t last_due, void *user) {
        struct engine *engine = user;
        struct jval *kept;

        (void)last_due;
        if (*value && jval_parse(value, strlen(value), &kept, NULL) == 0)
                jval_set(engine->breakers, name, kept);
}

int breakers_load(struct engine *engine) {
        engine->breakers = jval_object();
        return store_load_settings(engine->store, BREAKER_SETTING, 0, load, engine);
}

void breakers_recovered(struct engine *engine) {
        for (void *i = jval_iter(engine->breakers); i; i = jval_iter_next(engine->breakers, i)) {
                const struct jval *probe = jval_get(jval_iter_value(i), "probe");
                _cleanup_free_ char *name = NULL;
                struct jval *kept;

                if (!jval_is_object(probe) || engine_find_run(engine, str_or(jval_get_str(probe, "run_id"), "-")))
                        continue;
                name = xstrdup(jval_iter_key(i));
                kept = jval_deep_copy(jval_iter_value(i));
                jval_set(kept, "probe", jval_null());
                keep(engine, name, kept);
        }
}

static bool is_probe(const struct jval *kept, const struct task_run *task) {
        const struct jval *probe = jval_get(kept, "probe");

        return streq_null(jval_get_str(probe, "run_id"), task->run->record.run_id) &&
               streq_null(jval_get_str(probe, "item"), task->record.item);
}

static struct jval *probe_json(const struct task_run *task) {
        struct jval *probe = jval_object();

        jval_set_str(probe, "run_id", task->run->record.run_id);
        jval_set_int(probe, "run_number", task->run->record.run_number);
        jval_set_str(probe, "item", task->record.item);
        return probe;
}

static struct log_context context_of(const struct task_run *task) {
        return (struct log_context){.message_id = MESSAGE_ID_STEP_BREAKER,
                                    .run_id = task->run->record.run_id,
                                    .job = task->run->record.job,
                                    .step = task->record.step_name};
}

/* "3 failures in a row", "1 failure" */
static char *failures_text(const struct jval *kept) {
        int64_t failures = jval_get_int(kept, "failures", 0);

        return failures == 1 ? xstrdup("1 failure") : xasprintf("%" PRId64 " failures in a row", failures);
}

static char *refusal(const struct jval *kept, const struct task_run *task) {
        const struct jval *probe = jval_get(kept, "probe");
        char since[RFC3339_SIZE], until[RFC3339_SIZE];
        _cleanup_free_ char *end = NULL, *failures = failures_text(kept);

        (void)format_time_local(since, time_member(kept, "opened_at"), true);
        (void)format_time_local(until, time_member(kept, "until"), true);
        end = jval_is_object(probe) ? xasprintf("run %" PRId64 " is trying it", jval_get_int(probe, "run_number", 0))
                                    : xasprintf("until %s UTC", until);
        return xasprintf("not tried: its breaker is open since %s UTC after %s (the last in run %" PRId64
                         ": %s), %s; to close it: batchctl reset %s %s",
                         since, failures, jval_get_int(kept, "run_number", 0),
                         str_or(jval_get_str(kept, "error"), "no reason given"), end, task->run->record.job,
                         task->record.step_name);
}

/* Not begun, and recorded as refused: until that is durable it counts as pending, so that a daemon that starts later
 * asks the breaker again. */
static void refused(void *user) {
        struct task_run *task = user;
        _cleanup_free_ char *name = name_of_task(task), *text = NULL;
        struct attempt_end end = {.outcome = OUTCOME_REFUSED, .attempt = (unsigned)task->record.attempt};
        struct log_context context = context_of(task);
        struct effects effects = {0};

        text = refusal(jval_get(task->run->engine->breakers, name), task);
        free(task->record.error_message);
        task->record.error_message = xstrdup(text);
        task->record.completed_at = now_realtime();
        end.error_message = text;
        log_at(LOG_LEVEL_WARNING, &context, "%s #%" PRId64 " %s: %s", task->run->record.job,
               task->run->record.run_number, task->record.step_name, text);
        (void)run_machine_attempt_ended(&task->run->machine, task->index, &end, 0, &effects);
        run_apply(task->run, &effects);
}

bool breaker_lets_through(struct task_run *task) {
        struct engine *engine = task->run->engine;
        const struct breaker_rule rule = rule_of(task_step(task));
        _cleanup_free_ char *name = name_of_task(task);
        struct jval *kept = jval_get(engine->breakers, name), *probed;
        struct breaker breaker = breaker_of(kept);

        if (rule.failures == 0 || !kept || is_probe(kept, task))
                return true;
        switch (breaker_ask(&breaker, &rule, now_realtime())) {
        case BREAKER_LETS_THROUGH:
                return true;
        case BREAKER_PROBES:
                probed = jval_deep_copy(kept);
                jval_set(probed, "probe", probe_json(task));
                keep(engine, name, probed);
                return true;
        case BREAKER_REFUSES:
                break;
        }
        if (gates_skipped(task, GATE_BREAKER)) {
                _cleanup_free_ char *text = refusal(kept, task), *said = xasprintf("breaker was skipped: %s", text);

                run_add_warning(task->run, task->record.step_name, task->record.item, "skipped_gate", said);
                return true;
        }
        decisions_after_commit(engine, refused, task);
        return false;
}

static void tell_opened(struct task_run *task, const struct jval *kept) {
        struct log_context context = context_of(task);
        char until[RFC3339_SIZE];
        _cleanup_free_ char *text = NULL, *failures = failures_text(kept);

        text = xasprintf("%s, the last: %s; it is not tried until %s UTC", failures,
                         str_or(jval_get_str(kept, "error"), "no reason given"),
                         format_time_local(until, time_member(kept, "until"), true));
        log_at(LOG_LEVEL_ERR, &context, "%s #%" PRId64 " %s: the breaker opened: %s", task->run->record.job,
               task->run->record.run_number, task->record.step_name, text);
        alerts_breaker_opened(task->run, task->record.step_name, text);
}

static void note_failure(struct task_run *task, const char *name, const struct jval *before) {
        const struct breaker_rule rule = rule_of(task_step(task));
        struct breaker breaker = breaker_of(before);
        bool was_probe = is_probe(before, task);
        bool opened = breaker_failed(&breaker, &rule, was_probe, now_realtime());
        struct jval *kept = jval_object();

        jval_set_int(kept, "failures", breaker.failures);
        jval_set_time(kept, "opened_at", breaker.opened_at);
        jval_set_time(kept, "until", breaker.until);
        jval_set_str(kept, "error",
                     str_or(task->record.error_message, str_or(reason_to_string(task->record.reason), "")));
        jval_set_int(kept, "run_number", task->run->record.run_number);
        jval_set_str(kept, "run_id", task->run->record.run_id);
        jval_set(kept, "probe", breaker.is_probed ? jval_deep_copy(jval_get(before, "probe")) : jval_null());
        keep(task->run->engine, name, kept);
        if (opened)
                tell_opened(task, kept);
}

static void note_success(struct task_run *task, const char *name, const struct jval *before) {
        struct breaker breaker = breaker_of(before);
        struct log_context context = context_of(task);

        if (breaker_succeeded(&breaker))
                log_at(LOG_LEVEL_NOTICE, &context, "%s #%" PRId64 " %s: the breaker closed: it works again",
                       task->run->record.job, task->run->record.run_number, task->record.step_name);
        keep(task->run->engine, name, NULL);
}

void breaker_note_end(struct task_run *task) {
        struct engine *engine = task->run->engine;
        _cleanup_free_ char *name = name_of_task(task);
        struct jval *before = jval_get(engine->breakers, name), *kept;

        if (task_step(task)->breaker_failures == 0)
                return;
        if (task->record.status == STEP_FAILED && task->record.reason != REASON_BREAKER) {
                note_failure(task, name, before);
        } else if (task->record.status == STEP_SUCCESS && before) {
                note_success(task, name, before);
        } else if (is_probe(before, task)) {
                /* It told nothing (cancelled, skipped): the next attempt is the probe. */
                kept = jval_deep_copy(before);
                jval_set(kept, "probe", jval_null());
                keep(engine, name, kept);
        }
}

struct jval *breaker_json(const struct engine *engine, const char *job, const char *step) {
        _cleanup_free_ char *name = name_of(job, step);
        const struct jval *kept = jval_get(engine->breakers, name);
        struct breaker breaker = breaker_of(kept);
        struct jval *object;

        if (!kept)
                return NULL;
        object = jval_deep_copy(kept);
        jval_set_str(object, "state", breaker_state_to_string(breaker_state(&breaker, now_realtime())));
        return object;
}

struct jval *breakers_open_json(const struct engine *engine) {
        struct jval *open = jval_array();

        for (void *i = jval_iter(engine->breakers); i; i = jval_iter_next(engine->breakers, i)) {
                const char *name = jval_iter_key(i), *slash = strchr(name, '/');
                _cleanup_free_ char *job = xstrndup(name, slash ? (size_t)(slash - name) : strlen(name));
                struct jval *object;

                if (breaker_of(jval_iter_value(i)).opened_at == 0 || !slash || jval_array_size(open) >= OPEN_SHOWN)
                        continue;
                object = breaker_json(engine, job, slash + 1);
                jval_set_str(object, "job", job);
                jval_set_str(object, "step", slash + 1);
                jval_add(open, object);
        }
        return open;
}

/* Closes those of the job that the request means; the answer tells which. */
static struct jval *reset_steps(struct act *act, const char *job, const char *only) {
        struct engine *engine = act->engine;
        struct jval *closed = jval_array();
        size_t len = strlen(job);

        for (void *i = jval_iter(engine->breakers), *next; i; i = next) {
                const char *name = jval_iter_key(i);
                bool is_meant =
                        strncmp(name, job, len) == 0 && name[len] == '/' && (!only || streq(name + len + 1, only));
                _cleanup_free_ char *kept = NULL;
                struct jval *object;

                next = jval_iter_next(engine->breakers, i);
                if (!is_meant)
                        continue;
                kept = xstrdup(name);
                object = breaker_json(engine, job, kept + len + 1);
                jval_set_str(object, "step", kept + len + 1);
                jval_add(closed, object);
                keep(engine, kept, NULL);
        }
        return closed;
}

static void reset_handler(struct act *act) {
        const char *job = jval_get_str(act->params, "job"), *step = jval_get_str(act->params, "step");
        _cleanup_free_ char *name = step ? name_of(job, step) : NULL;
        const struct job_entry *entry;
        struct jval *result, *closed;

        /* What was counted of a step may outlive the step, and can be reset then too. */
        if (!name || !jval_has(act->engine->breakers, name)) {
                entry = act_find_job(act, job);
                if (!entry)
                        return;
                if (step && !job_find_step(entry->job, step)) {
                        act_fail(act, ERROR_KIND_NOT_FOUND, NULL, "job %s has no step %s; see: batchctl show %s", job,
                                 step, job);
                        return;
                }
        }
        closed = reset_steps(act, job, step);
        for (size_t i = 0; i < jval_array_size(closed); i++)
                log_at(LOG_LEVEL_NOTICE, &(struct log_context){.message_id = MESSAGE_ID_STEP_BREAKER, .job = job},
                       "%s %s: the breaker was reset (it was %s, with %" PRId64 " counted)", job,
                       jval_get_str(jval_at(closed, i), "step"), jval_get_str(jval_at(closed, i), "state"),
                       jval_get_int(jval_at(closed, i), "failures", 0));
        result = jval_object();
        jval_set_str(result, "job", job);
        jval_set(result, "reset", closed);
        act_succeed(act, result, NULL);
}

void engine_breaker_reset(struct engine *engine, const struct jval *params, const struct caller *caller,
                          engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_BREAKER_RESET, params, caller, fn, user, reset_handler);
}
