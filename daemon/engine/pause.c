/* job.pause, job.resume, daemon.drain. */
#include "pause.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "log.h"
#include "strutil.h"
#include "xalloc.h"

#define PAUSE_SETTING "pause/"
#define DRAIN_SETTING "drain/" /* the one key below it is "daemon" */
#define DRAIN_NAME "daemon"
#define REASON_MAX_BYTES ((size_t)1000)

static void load(struct jval *into, const char *name, const char *value) {
        struct jval *kept;

        if (*value && jval_parse(value, strlen(value), &kept, NULL) == 0)
                jval_set(into, name, kept);
}

static void load_pause(const char *name, const char *value, usec_t last_due, void *user) {
        (void)last_due;
        load(((struct engine *)user)->pauses, name, value);
}

static void load_drain(const char *name, const char *value, usec_t last_due, void *user) {
        (void)last_due;
        load(((struct engine *)user)->drain, name, value);
}

int pauses_load(struct engine *engine) {
        int r;

        engine->pauses = jval_object();
        engine->drain = jval_object();
        r = store_load_settings(engine->store, PAUSE_SETTING, 0, load_pause, engine);
        return r < 0 ? r : store_load_settings(engine->store, DRAIN_SETTING, 0, load_drain, engine);
}

const struct jval *pause_of_job(const struct engine *engine, const char *job) {
        const struct jval *pause = jval_get(engine->pauses, job);
        const char *until = jval_get_str(pause, "until");
        usec_t end;

        if (until && parse_rfc3339(until, &end) == 0 && now_realtime() >= end)
                return NULL;
        return pause;
}

const struct jval *engine_drain_of(const struct engine *engine) {
        return jval_get(engine->drain, DRAIN_NAME);
}

/* value NULL: taken back. */
static void keep(struct act *act, struct jval *into, const char *prefix, const char *name, struct jval *value) {
        _cleanup_free_ char *key = xasprintf("%s%s", prefix, name), *text = value ? jval_dump(value) : xstrdup("");

        store_batch_put_setting(decisions_batch(act->engine), key, text);
        if (value)
                jval_set(into, name, value);
        else
                jval_remove(into, name);
        starts_look(act->engine);
}

/* What somebody said: since when, why, and who. */
static struct jval *said(const struct act *act) {
        const char *reason = jval_get_str(act->params, "reason");
        struct jval *value = jval_object();

        jval_set_time(value, "since", now_realtime());
        jval_set(value, "reason", reason ? jval_stringn(reason, MIN(strlen(reason), REASON_MAX_BYTES)) : jval_null());
        jval_set_str(value, "by", act->caller.on_behalf ? act->caller.on_behalf : act->caller.user);
        return value;
}

static void pause_handler(struct act *act) {
        const struct job_entry *entry = act_find_job(act, jval_get_str(act->params, "job"));
        const char *until = jval_get_str(act->params, "until");
        struct jval *value, *result;
        usec_t end = 0;

        if (!entry)
                return;
        if (until && (parse_rfc3339(until, &end) < 0 || end <= now_realtime())) {
                value = jval_object();
                jval_set_str(value, "parameter", "until");
                act_fail(act, ERROR_KIND_INVALID_PARAMS, value, "until is an instant in the future: %s has passed",
                         until);
                return;
        }
        value = said(act);
        jval_set_time(value, "until", end);
        keep(act, act->engine->pauses, PAUSE_SETTING, entry->name, value);
        result = jval_object();
        jval_set_str(result, "job", entry->name);
        jval_set(result, "paused", jval_ref(value));
        act_succeed(act, result, NULL);
}

void engine_job_pause(struct engine *engine, const struct jval *params, const struct caller *caller,
                      engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_JOB_PAUSE, params, caller, fn, user, pause_handler);
}

static void resume_handler(struct act *act) {
        const char *job = jval_get_str(act->params, "job");
        struct jval *result;
        bool was_paused = pause_of_job(act->engine, job) != NULL;

        /* A pause may outlive its job's file, and can be taken back then too. */
        if (!was_paused && !act_find_job(act, job))
                return;
        result = jval_object();
        jval_set_str(result, "job", job);
        jval_set_bool(result, "was_paused", was_paused);
        keep(act, act->engine->pauses, PAUSE_SETTING, job, NULL);
        act_succeed(act, result, NULL);
}

void engine_job_resume(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_JOB_RESUME, params, caller, fn, user, resume_handler);
}

static void drain_handler(struct act *act) {
        struct engine *engine = act->engine;
        bool off = jval_get_bool(act->params, "off", false);
        struct jval *result;

        keep(act, engine->drain, DRAIN_SETTING, DRAIN_NAME, off ? NULL : said(act));
        log_notice(off ? "no longer drained: jobs start again" : "drained: nothing new starts, what runs goes on");
        result = jval_object();
        jval_set(result, "draining", off ? jval_null() : jval_deep_copy(engine_drain_of(engine)));
        jval_set_int(result, "runs", (int64_t)engine->n_runs);
        act_succeed(act, result, NULL);
}

void engine_drain(struct engine *engine, const struct jval *params, const struct caller *caller, engine_answer_fn fn,
                  void *user) {
        act_begin(engine, METHOD_DAEMON_DRAIN, params, caller, fn, user, drain_handler);
}
