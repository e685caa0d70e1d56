#include "alert.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "errortext.h"
#include "exec_reference.h"
#include "job.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* A message may be so long; what is longer is cut by the facts' own limits long before. */
#define BODY_MAX ((size_t)64 * 1024)

static const char *const event_words[_ALERT_EVENT_MAX] = {
        [ALERT_FAILURE] = "failure",   [ALERT_PARTIAL] = "partial", [ALERT_RECOVERY] = "recovery",
        [ALERT_DEADLINE] = "deadline", [ALERT_BREAKER] = "breaker", [ALERT_SLOW] = "slow",
        [ALERT_SUCCESS] = "success",
};

/* The facts that a template may name: those that every message has. */
static const char *const fact_names[] = {"alert",  "event",  "text",   "title", "host",          "job",  "run_number",
                                         "run_id", "status", "reason", "mode",  "error_message", "step", NULL};

const struct alert alert_defaults = {
        .repeat = USEC_PER_DAY,
        .timeout = 30 * USEC_PER_SEC,
        .retries = 5,
};

const char *alert_event_to_string(enum alert_event event) {
        return event_words[event];
}

const char *alert_method_to_string(enum alert_method method) {
        static const char *const words[] = {[ALERT_POST] = "POST", [ALERT_PUT] = "PUT", [ALERT_GET] = "GET"};

        return words[method];
}

void alert_done(struct alert *alert) {
        free(alert->name);
        free(alert->url);
        free(alert->url_credential);
        strv_free(alert->command);
        free(alert->body);
        free(alert->content_type);
        strv_free(alert->headers);
        strv_free(alert->header_credentials);
        strv_free(alert->jobs);
        *alert = (struct alert){0};
}

void alert_copy(struct alert *ret, const struct alert *alert) {
        *ret = *alert;
        ret->name = xstrdup(alert->name);
        ret->url = xstrdup_or_null(alert->url);
        ret->url_credential = xstrdup_or_null(alert->url_credential);
        ret->command = strv_copy(alert->command);
        ret->body = xstrdup_or_null(alert->body);
        ret->content_type = xstrdup_or_null(alert->content_type);
        ret->headers = strv_copy(alert->headers);
        ret->header_credentials = strv_copy(alert->header_credentials);
        ret->jobs = strv_copy(alert->jobs);
}

static bool is_on(const struct alert *alert, enum alert_event event) {
        return alert->on == 0 ? event != ALERT_SUCCESS : (alert->on & (1U << event)) != 0;
}

bool alert_wants(const struct alert *alert, enum alert_event event, const struct job *job) {
        bool is_good = event == ALERT_RECOVERY || event == ALERT_SUCCESS;

        if (!is_on(alert, event))
                return false;
        STRV_FOREACH (pattern, alert->jobs)
                if (fnmatch(*pattern, job->name, 0) == 0)
                        return true;
        return strv_contains(is_good ? job->on_recovery : job->on_failure, alert->name);
}

static void check_list(const struct job *job, const char *key, char *const *names, const struct alert *items,
                       size_t n_items, struct diagnostics *diagnostics) {
        STRV_FOREACH (name, names) {
                size_t i = 0;

                while (i < n_items && !streq(items[i].name, *name))
                        i++;
                if (i == n_items)
                        diagnostics_warning(
                                diagnostics, job->path, 0,
                                "%s=: batchd.conf has no [Alert %.64s]: nobody is told; add it, or take the "
                                "name out",
                                key, *name);
        }
}

static bool anybody_wants(const struct alert *items, size_t n_items, enum alert_event event, const struct job *job) {
        for (size_t i = 0; i < n_items; i++)
                if (alert_wants(&items[i], event, job))
                        return true;
        return false;
}

void alert_check_names(const struct job *job, const struct alert *items, size_t n_items,
                       struct diagnostics *diagnostics) {
        if (job->deadline.count > 0 && !anybody_wants(items, n_items, ALERT_DEADLINE, job))
                diagnostics_warning(diagnostics, job->deadline.items[0].path, job->deadline.items[0].line,
                                    "Deadline=: nobody is told when it passes; name an alert in OnFailure=, or write "
                                    "an [Alert NAME] with Jobs= into batchd.conf");
        check_list(job, "OnFailure", job->on_failure, items, n_items, diagnostics);
        check_list(job, "OnRecovery", job->on_recovery, items, n_items, diagnostics);
}

static bool is_fact(const char *name) {
        for (size_t i = 0; fact_names[i]; i++)
                if (streq(fact_names[i], name))
                        return true;
        return false;
}

int alert_template_check(const char *text, char **ret_error) {
        const char *name = NULL;
        size_t len = 0;

        while (exec_reference_next(text, &name, &len)) {
                _cleanup_free_ char *fact = xstrndup(name, len);
                _cleanup_free_ char *known = NULL;

                if (!is_fact(fact)) {
                        known = strv_join((char *const *)(uintptr_t)fact_names, ", ");
                        return error_set(ret_error, -EINVAL, "${%.64s} is no fact of a message; there are %s", fact,
                                         known);
                }
                text = name + len + 1;
        }
        return 0;
}

static void append_fact(struct buf *out, const struct jval *facts, const char *name, bool json) {
        const struct jval *value = jval_get(facts, name);
        struct buf escaped = BUF_INIT(BODY_MAX);
        const char *text = jval_str(value);

        if (jval_type_of(value) == JVAL_INTEGER)
                (void)buf_appendf(out, "%lld", (long long)jval_int(value, 0));
        else if (!text)
                ;
        else if (!json)
                (void)buf_append_str(out, text);
        else if (json_append_string(&escaped, text, strlen(text)) == 0)
                (void)buf_append(out, buf_data(&escaped) + 1, escaped.len - 2); /* without its quotes */
        buf_done(&escaped);
}

char *alert_body(const struct alert *alert, const struct jval *facts) {
        bool json = !alert->content_type || strstr(alert->content_type, "json");
        struct buf out = BUF_INIT(BODY_MAX);
        const char *text = alert->body, *name = NULL, *found;
        size_t len = 0;

        if (!text)
                return jval_dump(facts);
        while ((found = exec_reference_next(text, &name, &len))) {
                _cleanup_free_ char *fact = xstrndup(name, len);

                (void)buf_append(&out, text, (size_t)(found - text));
                append_fact(&out, facts, fact, json);
                text = name + len + 1;
        }
        (void)buf_append_str(&out, text);
        return buf_steal(&out);
}
