/* run.backfill: from a request to its plan, and to the run that carries it out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backfill.h"
#include "backfill_values.h"
#include "engine_internal.h"
#include "gate.h"
#include "start.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* A request whose values are known, while state.db is asked what has become of them before. */
struct request {
        struct act *act;
        struct job *job; /* a reference */
        char *mode;
        char *parameter;
        char **values;
        struct jval *params; /* checked, without the parameter */
};

static struct request *request_free(struct request *request) {
        job_unref(request->job);
        free(request->mode);
        free(request->parameter);
        strv_free(request->values);
        if (request->params)
                jval_unref(request->params);
        free(request);
        return NULL;
}

static void refuse(struct act *act, const char *which, const char *error) {
        struct jval *data = jval_object();

        jval_set_str(data, "parameter", which);
        act_fail(act, ERROR_KIND_INVALID_PARAMS, data, "%s", error);
}

/* Mode and values of the job as it is; answers the request when they do not fit. */
static bool check_plan(struct request *request) {
        _cleanup_free_ char *error = NULL;
        const struct parameter *parameter = NULL;
        const char *which = NULL;
        struct run_plan plan;

        if (run_plan_make(&plan, request->job, jval_get_str(request->act->params, "mode"), NULL, &error, &which) < 0) {
                refuse(request->act, which, error);
                return false;
        }
        request->mode = xstrdup_or_null(plan.mode);
        run_plan_done(&plan);
        if (backfill_values(request->job, request->act->params, &parameter, &request->values, &error, &which) < 0) {
                refuse(request->act, which, error);
                return false;
        }
        request->parameter = xstrdup(parameter->name);
        return true;
}

/* Of what is given; each run adds its defaults by itself. All values fit, with what is given beside them. */
static bool check_params(struct request *request) {
        const struct jval *given = jval_get(request->act->params, "params");

        request->params = given ? jval_deep_copy(given) : jval_object();
        if (jval_has(request->params, request->parameter)) {
                _cleanup_free_ char *error =
                        xasprintf("%s is what the backfill goes through: give it no value", request->parameter);

                refuse(request->act, request->parameter, error);
                return false;
        }
        STRV_FOREACH (value, request->values) {
                _cleanup_jval_ struct jval *one = jval_deep_copy(request->params), *checked = NULL;
                _cleanup_free_ char *error = NULL, *which = NULL;

                jval_set_str(one, request->parameter, *value);
                if (parameters_check(request->job, one, &checked, &error, &which) < 0) {
                        refuse(request->act, which, error);
                        return false;
                }
        }
        return true;
}

static const struct run *active_backfill(const struct engine *engine, const char *job) {
        for (const struct run *run = engine->runs; run; run = run->next)
                if (run->backfill && !run->ended && streq(run->record.job, job))
                        return run;
        return NULL;
}

static bool refuse_second(struct act *act, const char *job) {
        const struct run *active = active_backfill(act->engine, job);
        struct jval *data;

        if (!active || jval_get_bool(act->params, "dry_run", false))
                return false;
        data = jval_object();
        jval_set_str(data, "job", job);
        jval_set_int(data, "run_number", active->record.run_number);
        jval_set_str(data, "run_id", active->record.run_id);
        act_fail(act, ERROR_KIND_ALREADY_RUNNING, data,
                 "wait for it, or cancel it: backfill #%" PRId64 " of %s is not done yet", active->record.run_number,
                 job);
        return true;
}

/* Whether the value is for this backfill; *ret_why when not. */
static bool is_wanted(const char *only, const struct jval *known, const char **ret_why) {
        const char *status = str_or(jval_get_str(known, "status"), "");

        if (streq(status, "queued") || streq(status, "running"))
                *ret_why = "active";
        else if (streq(only, "missing") && jval_get_bool(known, "succeeded", false))
                *ret_why = "succeeded";
        else if (streq(only, "failed") && !streq(status, "failed"))
                *ret_why = known ? "not_failed" : "never_ran";
        else
                return true;
        return false;
}

/* [{value, action, why, last_run, last_status}]; the values that run become *ret_wanted. */
static struct jval *plan_values(const struct request *request, const struct jval *known, struct jval *wanted) {
        const char *only = str_or(jval_get_str(request->act->params, "only"), "missing");
        struct jval *plan = jval_array();

        STRV_FOREACH (value, request->values) {
                const struct jval *before = jval_get(known, *value);
                struct jval *row = jval_object();
                const char *why = NULL;
                bool runs = is_wanted(only, before, &why);

                jval_set_str(row, "value", *value);
                jval_set_str(row, "action", runs ? "run" : "skip");
                jval_set_str(row, "why", why);
                jval_set(row, "last_run", before ? jval_integer(jval_get_int(before, "run_number", 0)) : jval_null());
                jval_set_str(row, "last_status", jval_get_str(before, "status"));
                jval_add(plan, row);
                if (runs)
                        jval_add(wanted, jval_string(*value));
        }
        return plan;
}

static struct jval *about_json(const struct request *request, const struct jval *wanted) {
        const struct jval *params = request->act->params;
        struct jval *about = jval_object();

        jval_set_str(about, "parameter", request->parameter);
        jval_set_int(about, "total", (int64_t)jval_array_size(wanted));
        jval_set_str(about, "first", jval_str(jval_at(wanted, 0)));
        jval_set_str(about, "last", jval_str(jval_at(wanted, jval_array_size(wanted) - 1)));
        jval_set_str(about, "only", str_or(jval_get_str(params, "only"), "missing"));
        jval_set_int(about, "parallel", jval_get_int(params, "parallel", 1));
        jval_set_bool(about, "reverse", jval_get_bool(params, "reverse", false));
        return about;
}

/* The run that carries it out, or NULL: the request has been answered. */
static struct run *make_run(struct request *request, const struct jval *wanted) {
        struct act *act = request->act;
        struct run *run = run_new(act->engine, NULL);
        uint64_t lines;
        int r;

        run->plan = (struct run_plan){.job = job_ref(request->job), .mode = xstrdup_or_null(request->mode)};
        run->record.parameters = jval_deep_copy(request->params);
        start_fill_record(act, run);
        jval_set(run->record.options, "backfill", about_json(request, wanted));
        jval_set(run->record.options, "backfill_values", jval_deep_copy(wanted));
        if (jval_get(act->params, "skip_gates"))
                jval_set(run->record.options, "skip_gates", jval_deep_copy(jval_get(act->params, "skip_gates")));
        r = run_prepare(run, &lines);
        if (r == 0)
                r = backfill_attach(run);
        if (r == 0)
                return run;
        act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "make %s writable, then try again: %s",
                 str_or(run->dir, act->engine->config.state_dir), strerror(-r));
        run_free(run);
        return NULL;
}

static void start(struct request *request, struct jval *result, const struct jval *wanted) {
        struct act *act = request->act;
        struct job_entry *entry = job_registry_find(&act->engine->jobs, request->job->name);
        struct run *run;

        /* The file may have been read anew while state.db was asked. */
        if (!entry || entry->job != request->job)
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "try again: the job files have just been read anew");
        else if (act_may_start(act, request->job) && !refuse_second(act, request->job->name) &&
                 (run = make_run(request, wanted))) {
                start_append(run, entry);
                backfill_begin(run);
                starts_settle(act->engine);
                jval_set_int(result, "run_number", run->record.run_number);
                jval_set_str(result, "run_id", run->record.run_id);
                jval_set_str(result, "status", run_status_to_string(run->record.status));
                act_succeed(act, jval_ref(result), run->record.run_id);
        }
}

static void looked_up(int error, const char *error_text, struct jval *known, void *user) {
        struct request *request = user;
        struct act *act = request->act;
        _cleanup_jval_ struct jval *result = jval_object(), *wanted = jval_array();
        bool dry = jval_get_bool(act->params, "dry_run", false);

        if (error < 0) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "try again: the history cannot be read: %s",
                         str_or(error_text, strerror(-error)));
                request_free(request);
                return;
        }
        jval_set_str(result, "job", request->job->name);
        jval_set_str(result, "mode", request->mode);
        jval_set_str(result, "parameter", request->parameter);
        jval_set(result, "values", plan_values(request, known, wanted));
        jval_set_int(result, "total", (int64_t)jval_array_size(wanted));
        jval_set_bool(result, "dry_run", dry);
        if (dry || jval_array_size(wanted) == 0)
                act_succeed(act, jval_ref(result), NULL);
        else
                start(request, result, wanted);
        jval_unref(known);
        request_free(request);
}

static char **strings_of(const struct jval *array) {
        char **strings = NULL;

        for (size_t i = 0; i < jval_array_size(array); i++)
                strv_append(&strings, str_or(jval_str(jval_at(array, i)), ""));
        return strings;
}

static bool check_gates(struct request *request) {
        _cleanup_strv_ char **names = strings_of(jval_get(request->act->params, "skip_gates"));
        _cleanup_free_ char *error = NULL;
        struct run_plan plan;
        int r;

        if (run_plan_make(&plan, request->job, request->mode, NULL, &error, NULL) < 0) {
                refuse(request->act, "mode", error);
                return false;
        }
        r = gate_check_skipped(&plan, names, &error);
        run_plan_done(&plan);
        if (r < 0)
                refuse(request->act, "skip_gates", error);
        return r >= 0;
}

static void backfill_handler(struct act *act) {
        const struct job_entry *entry = act_find_job(act, jval_get_str(act->params, "job"));
        struct request *request;

        if (!entry)
                return;
        request = NEW(struct request);
        *request = (struct request){.act = act, .job = job_ref(entry->job)};
        if (refuse_second(act, entry->name) || !check_plan(request) || !check_gates(request) ||
            !check_params(request)) {
                request_free(request);
                return;
        }
        if (history_value_runs(act->engine->history, entry->name, request->mode, request->parameter, request->params,
                               looked_up, request) < 0) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "try again in a moment: too many questions wait for state.db");
                request_free(request);
        }
}

void engine_run_backfill(struct engine *engine, const struct jval *params, const struct caller *caller,
                         engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_RUN_BACKFILL, params, caller, fn, user, backfill_handler);
}
