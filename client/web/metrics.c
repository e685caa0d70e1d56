#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "metric_text.h"
#include "metrics_format.h"
#include "xalloc.h"

#define ANSWER_TIMEOUT (5 * USEC_PER_SEC)
#define TEXT_MAX ((size_t)2 * 1024 * 1024)
/* Due times of so long count as recent. */
#define RECENT USEC_PER_DAY

struct run_ends {
        struct jval *by_job; /* job: {status: number}, and "seconds", "count" */
};

struct run_ends *run_ends_new(void) {
        struct run_ends *ends = NEW(struct run_ends);

        ends->by_job = jval_object();
        return ends;
}

struct run_ends *run_ends_free(struct run_ends *ends) {
        if (!ends)
                return NULL;
        jval_unref(ends->by_job);
        free(ends);
        return NULL;
}

static void add(struct jval *object, const char *key, double amount) {
        jval_set_real(object, key, jval_get_real(object, key, 0) + amount);
}

void run_ends_count(struct run_ends *ends, const struct jval *params) {
        const char *job = jval_get_str(params, "job"), *status = jval_get_str(params, "status");
        struct jval *counts, *statuses;

        if (!job || !status)
                return;
        if (!jval_has(ends->by_job, job)) {
                counts = jval_object();
                jval_set(counts, "statuses", jval_object());
                jval_set(ends->by_job, job, counts);
        }
        counts = jval_get(ends->by_job, job);
        statuses = jval_get(counts, "statuses");
        add(statuses, status, 1);
        if (jval_get_real(params, "duration_seconds", -1) >= 0) {
                add(counts, "seconds", jval_get_real(params, "duration_seconds", 0));
                add(counts, "count", 1);
        }
}

/* What is asked of the daemon, all at once. */
enum question { QUESTION_STATUS, QUESTION_JOBS, QUESTION_HEALTH, QUESTION_DUE, QUESTION_LIMITS, _QUESTION_MAX };

static const enum method_id methods_of[] = {
        [QUESTION_STATUS] = METHOD_DAEMON_STATUS, [QUESTION_JOBS] = METHOD_JOB_LIST,
        [QUESTION_HEALTH] = METHOD_JOB_HEALTH,    [QUESTION_DUE] = METHOD_SCHEDULE_LIST,
        [QUESTION_LIMITS] = METHOD_LIMIT_LIST,
};

struct scrape {
        struct http_conn *conn;
        const struct run_ends *ends;
        struct web_counts counts;
        struct jval *answers[_QUESTION_MAX];
        size_t pending;
};

/* A question has nothing but this with it: which one it is. */
struct asked {
        struct scrape *scrape;
        enum question question;
};

static void finish(struct scrape *scrape) {
        _cleanup_buf_ struct buf out = BUF_INIT(TEXT_MAX);
        struct http_reply reply = {.status = 200, .type = "text/plain; version=0.0.4; charset=utf-8"};

        metrics_of_web(&out, &scrape->counts, scrape->answers[QUESTION_STATUS] != NULL);
        metrics_of_daemon(&out, scrape->answers[QUESTION_STATUS]);
        metrics_of_jobs(&out, scrape->answers[QUESTION_JOBS]);
        metrics_of_health(&out, scrape->answers[QUESTION_HEALTH]);
        metrics_of_due_times(&out, scrape->answers[QUESTION_DUE], now_realtime());
        metrics_of_limits(&out, scrape->answers[QUESTION_LIMITS]);
        metrics_of_ends(&out, scrape->ends->by_job);
        reply.body = buf_data(&out);
        reply.len = out.len;
        http_reply_add(&reply, "Cache-Control", "no-store");
        http_conn_reply(scrape->conn, &reply);
        for (size_t i = 0; i < _QUESTION_MAX; i++)
                jval_unref(scrape->answers[i]);
        free(scrape);
}

/* What could not be answered is left out, and batchd_up says it. */
static void answered(const struct client_message *message, const char *why, void *user) {
        _cleanup_free_ struct asked *asked = user;
        struct scrape *scrape = asked->scrape;

        if (message && message->kind == CLIENT_ANSWER)
                scrape->answers[asked->question] = jval_ref(message->value);
        if (--scrape->pending == 0)
                finish(scrape);
}

static struct jval *params_of(enum question question) {
        struct jval *params;

        if (question != QUESTION_DUE)
                return NULL;
        params = jval_object();
        jval_set_time(params, "from", now_realtime() - RECENT);
        jval_set_int(params, "count", 1000);
        return params;
}

void metrics_open(struct daemon_link *link, const struct run_ends *ends, const struct web_counts *counts,
                  struct http_conn *conn) {
        struct scrape *scrape = NEW(struct scrape);

        *scrape = (struct scrape){.conn = conn, .ends = ends, .counts = *counts, .pending = _QUESTION_MAX};
        for (size_t i = 0; i < _QUESTION_MAX; i++) {
                struct asked *asked = NEW(struct asked);

                *asked = (struct asked){.scrape = scrape, .question = (enum question)i};
                daemon_link_call(link, methods_of[i], params_of((enum question)i), ANSWER_TIMEOUT, answered, asked);
        }
}
