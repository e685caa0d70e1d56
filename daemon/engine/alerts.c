#include "alerts.h"

#include <stdlib.h>
#include <string.h>

#include "alert_facts.h"
#include "alert_queue.h"
#include "engine_internal.h"
#include "errortext.h"
#include "log.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define MEMORY_SETTING "alert-memory/"

struct alerts {
        struct engine *engine;
        struct alert_queue *queue;
        struct jval *memories; /* by job */
};

static struct jval *memory_of(struct alerts *alerts, const char *job) {
        struct jval *memory = jval_get(alerts->memories, job);

        if (!memory) {
                memory = jval_object();
                jval_set(alerts->memories, job, memory);
        }
        return memory;
}

static void keep_memory(struct alerts *alerts, const char *job) {
        _cleanup_free_ char *key = xasprintf(MEMORY_SETTING "%s", job);
        _cleanup_free_ char *text = jval_dump(memory_of(alerts, job));

        store_batch_put_setting(decisions_batch(alerts->engine), key, text);
}

static void take_memory(const char *name, const char *value, usec_t last_due, void *user) {
        struct alerts *alerts = user;
        struct jval *memory;

        (void)last_due;
        if (jval_parse(value, strlen(value), &memory, NULL) == 0)
                jval_set(alerts->memories, name, memory);
}

int alerts_new(struct alerts **ret, struct engine *engine, const char *program, char **ret_error) {
        struct alerts *alerts = NEW(struct alerts);
        int r;

        alerts->engine = engine;
        alerts->memories = jval_object();
        r = store_load_settings(engine->store, MEMORY_SETTING, 0, take_memory, alerts);
        if (r < 0)
                (void)error_set(ret_error, r, "what alerts remember of the jobs cannot be read from state.db");
        else
                r = alert_queue_new(&alerts->queue, engine, program, ret_error);
        if (r < 0)
                alerts_free(alerts);
        else
                *ret = alerts;
        return r;
}

struct alerts *alerts_free(struct alerts *alerts) {
        if (!alerts)
                return NULL;
        alerts->queue = alert_queue_free(alerts->queue);
        jval_unref(alerts->memories);
        free(alerts);
        return NULL;
}

void alerts_configure(struct alerts *alerts, const struct alert *items, size_t n_items, bool on) {
        alert_queue_configure(alerts->queue, items, n_items, on);
}

void alerts_check_names(const struct alerts *alerts, const struct job_registry *jobs, struct diagnostics *diagnostics) {
        size_t n;
        const struct alert *items = alert_queue_alerts(alerts->queue, &n);

        for (size_t i = 0; i < jobs->count; i++)
                if (jobs->entries[i].job)
                        alert_check_names(jobs->entries[i].job, items, n, diagnostics);
}

/* Tells all who want to know and have not been told. facts are taken over. */
static void tell(struct alerts *alerts, const struct job *job, enum alert_event event, const char *cause,
                 struct jval *facts) {
        size_t n;
        const struct alert *items = alert_queue_alerts(alerts->queue, &n);
        struct jval *memory = memory_of(alerts, job->name);

        for (size_t i = 0; i < n && alert_queue_is_on(alerts->queue); i++) {
                struct jval *copy;

                if (!alert_wants(&items[i], event, job) ||
                    !alert_memory_tell(memory, &items[i], event, cause, now_realtime()))
                        continue;
                copy = jval_deep_copy(facts);
                jval_set_str(copy, "alert", items[i].name);
                alert_queue_post(alerts->queue, &items[i], copy);
        }
        jval_unref(facts);
}

/* The same, and remembers it: of what is no end of a run. */
static void tell_and_keep(struct alerts *alerts, const struct job *job, enum alert_event event, const char *cause,
                          struct jval *facts) {
        tell(alerts, job, event, cause, facts);
        keep_memory(alerts, job->name);
}

/* What makes a failure the same as the one before: times and numbers of attempts in its message do not. */
static char *cause_of(const struct run *run, enum alert_event event, const struct alert_news *news) {
        const struct task_run *task = alert_failed_task(run);

        if (event == ALERT_PARTIAL)
                return xstrdup_or_null(news->plain_warning);
        if (!task)
                return xstrdup_or_null(reason_to_string(run->record.reason));
        return xasprintf("%s/%s: %s %d %d", task->record.step_name, task->record.item,
                         str_or(reason_to_string(task->record.reason), ""), task->record.exit_status,
                         task->record.signal_number);
}

static void tell_end(struct run *run, enum alert_event event, const struct alert_news *news) {
        _cleanup_free_ char *cause = cause_of(run, event, news);

        tell(run->engine->alerts, run->plan.job, event, cause, alert_facts_of_run(run, event, news));
}

/* The children of a backfill are not told of one by one: their parent's end is. */
void alerts_run_ended(struct run *run) {
        struct alerts *alerts = run->engine->alerts;
        struct alert_news news;

        if (run->record.parent_run_id && run->record.triggered_by == TRIGGER_BACKFILL)
                return;
        alert_memory_run_ended(memory_of(alerts, run->record.job), &run->record, &news);
        for (unsigned event = 0; event < _ALERT_EVENT_MAX; event++)
                if (news.events & (1U << event))
                        tell_end(run, event, &news);
        keep_memory(alerts, run->record.job);
        alert_news_done(&news);
}

static void became_slow(void *user) {
        struct run *run = user;
        struct alerts *alerts = run->engine->alerts;
        usec_t median = 0;

        if (run->ended || alert_memory_slow_after(memory_of(alerts, run->record.job), run->record.batch_mode,
                                                  &median) == USEC_INFINITY)
                return;
        tell_and_keep(alerts, run->plan.job, ALERT_SLOW, "slow", alert_facts_of_slow_run(run, median));
}

void alerts_run_started(struct run *run) {
        usec_t limit =
                alert_memory_slow_after(memory_of(run->engine->alerts, run->record.job), run->record.batch_mode, NULL);
        usec_t spent = now_boottime() - run->started_boottime;

        if (limit == USEC_INFINITY)
                return;
        if (!run->slow_timer && loop_timer_new(run->engine->loop, &run->slow_timer, became_slow, run) < 0)
                return;
        loop_timer_arm(run->slow_timer, spent < limit ? limit - spent : 0);
}

void alerts_deadline_passed(struct alerts *alerts, const struct job *job, usec_t deadline, usec_t since) {
        struct jval *memory = memory_of(alerts, job->name);
        struct jval *facts;

        if (!alert_memory_misses(memory, since))
                return;
        facts = alert_facts_of_deadline(alerts->engine, job, deadline, memory);
        log_at(LOG_LEVEL_ERR, &(struct log_context){.job = job->name}, "%s", jval_get_str(facts, "title"));
        tell_and_keep(alerts, job, ALERT_DEADLINE, NULL, facts);
}

void alerts_breaker_opened(struct run *run, const char *step, const char *text) {
        tell_and_keep(run->engine->alerts, run->plan.job, ALERT_BREAKER, step, alert_facts_of_breaker(run, step, text));
}

static const struct alert *find_alert(const struct alerts *alerts, const char *name) {
        size_t n;
        const struct alert *items = alert_queue_alerts(alerts->queue, &n);

        for (size_t i = 0; i < n; i++)
                if (streq(items[i].name, name))
                        return &items[i];
        return NULL;
}

static void test_handler(struct act *act) {
        struct alerts *alerts = act->engine->alerts;
        const char *name = jval_get_str(act->params, "alert");
        const struct alert *alert = find_alert(alerts, name);
        struct jval *result;

        if (!alert) {
                act_fail(act, ERROR_KIND_NOT_FOUND, NULL, "batchd.conf has no [Alert %s]; see: batchctl alerts", name);
                return;
        }
        if (!alert_queue_is_on(alerts->queue)) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "write Alerts=yes into batchd.conf, then run: batchctl reload (alerts are switched off)");
                return;
        }
        alert_queue_post(
                alerts->queue, alert,
                alert_facts_of_test(act->engine, alert->name, str_or(act->caller.on_behalf, act->caller.user)));
        result = jval_object();
        jval_set_str(result, "alert", alert->name);
        act_succeed(act, result, NULL);
}

void engine_alert_test(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_ALERT_TEST, params, caller, fn, user, test_handler);
}

static struct jval *events_json(const struct alert *alert) {
        struct jval *events = jval_array();

        for (unsigned event = 0; event < _ALERT_EVENT_MAX; event++)
                if (alert->on == 0 ? event != ALERT_SUCCESS : (alert->on & (1U << event)) != 0)
                        jval_add(events, jval_string(alert_event_to_string(event)));
        return events;
}

/* Where it goes, without what may be secret in an address: its path and its parameters. */
static char *destination(const struct alert *alert) {
        const char *host = alert->url ? strstr(alert->url, "://") : NULL;

        if (alert->command)
                return xstrdup(alert->command[0]);
        if (alert->url_credential)
                return xasprintf("credential %s", alert->url_credential);
        if (!host)
                return xstrdup("");
        host += 3;
        for (const char *at; (at = memchr(host, '@', strcspn(host, "/?#")));)
                host = at + 1;
        return xstrndup(host, strcspn(host, "/?#"));
}

/* null: it was about no run. */
static void set_run_number(struct jval *object, const char *key, int64_t number) {
        if (number > 0)
                jval_set_int(object, key, number);
        else
                jval_set(object, key, jval_null());
}

static struct jval *alert_json(const struct alert *alert, const struct jval *statistics) {
        const struct jval *one = jval_get(statistics, alert->name);
        _cleanup_free_ char *to = destination(alert);
        struct jval *object = jval_object(), *jobs = jval_array();

        jval_set_str(object, "alert", alert->name);
        jval_set_str(object, "kind", alert->command ? "command" : alert->method == ALERT_GET ? "ping" : "webhook");
        jval_set_str(object, "to", to);
        jval_set(object, "on", events_json(alert));
        STRV_FOREACH (pattern, alert->jobs)
                jval_add(jobs, jval_string(*pattern));
        jval_set(object, "jobs", jobs);
        jval_set_int(object, "sent", jval_get_int(one, "sent", 0));
        jval_set_int(object, "failed", jval_get_int(one, "failed", 0));
        jval_set_str(object, "last_sent_at", jval_get_str(one, "last_sent_at"));
        jval_set_str(object, "last_failed_at", jval_get_str(one, "last_failed_at"));
        jval_set_str(object, "last_event", jval_get_str(one, "last_event"));
        jval_set_str(object, "last_error", jval_get_str(one, "last_error"));
        set_run_number(object, "last_run_number", jval_get_int(one, "last_run_number", 0));
        return object;
}

struct jval *alerts_json(const struct alerts *alerts) {
        size_t n;
        const struct alert *items = alert_queue_alerts(alerts->queue, &n);
        struct jval *result = jval_object(), *list = jval_array();

        for (size_t i = 0; i < n; i++)
                jval_add(list, alert_json(&items[i], alert_queue_statistics(alerts->queue)));
        jval_set_bool(result, "enabled", alert_queue_is_on(alerts->queue));
        jval_set(result, "alerts", list);
        jval_set(result, "waiting", alert_queue_waiting(alerts->queue));
        return result;
}
