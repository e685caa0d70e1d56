#include "alert_memory.h"

#include <ctype.h>
#include <stdlib.h>

#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

/* Of the warnings of the last run; what a run itself keeps is bounded too. */
#define WARNINGS_MAX 100
/* A run is slow when it takes so much longer than the median, and so many times as long. */
#define SLOW_LEAST USEC_PER_MINUTE
#define SLOW_FACTOR 2

void alert_news_done(struct alert_news *news) {
        free(news->warning);
        free(news->plain_warning);
        *news = (struct alert_news){0};
}

/* Texts that differ in figures alone say the same. */
static char *without_figures(const char *text) {
        char *plain = xmalloc(strlen(text) + 1);
        size_t n = 0;

        for (const char *c = text; *c; c++)
                if (!isdigit((unsigned char)*c))
                        plain[n++] = *c;
                else if (n == 0 || plain[n - 1] != '#')
                        plain[n++] = '#';
        plain[n] = '\0';
        return plain;
}

static bool contains(const struct jval *array, const char *text) {
        for (size_t i = 0; i < jval_array_size(array); i++)
                if (streq_null(jval_str(jval_at(array, i)), text))
                        return true;
        return false;
}

/* The warnings of this run take the place of those of the last one; the new ones are told. */
static void compare_warnings(struct jval *memory, const struct run_record *run, struct alert_news *news) {
        const struct jval *before = jval_get(memory, "warnings");
        struct jval *now = jval_array();

        for (size_t i = 0; i < jval_array_size(run->warnings) && i < WARNINGS_MAX; i++) {
                const struct jval *warning = jval_at(run->warnings, i);
                const char *category = str_or(jval_get_str(warning, "category"), "");
                const char *text = str_or(jval_get_str(warning, "text"), "");
                _cleanup_free_ char *whole = xasprintf("%s/%s: %s: %s", str_or(jval_get_str(warning, "step"), ""),
                                                       str_or(jval_get_str(warning, "item"), ""), category, text);
                _cleanup_free_ char *plain = without_figures(whole);

                jval_add(now, jval_string(plain));
                if (contains(before, plain))
                        continue;
                if (news->n_warnings++ > 0)
                        continue;
                news->warning = xasprintf("%s: %s", category, text);
                news->plain_warning = STEAL_PTR(plain);
        }
        if (run->status == RUN_PARTIAL && run->error_message) {
                _cleanup_free_ char *plain = without_figures(run->error_message);

                jval_add(now, jval_string(plain));
                if (!contains(before, plain) && news->n_warnings++ == 0) {
                        news->warning = xstrdup(run->error_message);
                        news->plain_warning = STEAL_PTR(plain);
                }
        }
        jval_set(memory, "warnings", now);
}

/* The runs that failed one after the other. */
static void take_series(const struct jval *memory, struct alert_news *news) {
        news->failed_runs = jval_get_int(memory, "count", 0);
        news->since_run = jval_get_int(memory, "since_run", 0);
        news->since_at = (usec_t)jval_get_int(memory, "since_at", 0);
}

/* After a recovery the same is news again. */
static void forget_told(struct jval *memory, enum alert_event event) {
        struct jval *told = jval_get(memory, "told"), *kept = jval_object();

        for (void *i = jval_iter(told); i; i = jval_iter_next(told, i)) {
                const char *key = jval_iter_key(i), *of = strrchr(key, '/');

                if (!of || !streq(of + 1, alert_event_to_string(event)))
                        jval_set(kept, key, jval_ref(jval_iter_value(i)));
        }
        jval_set(memory, "told", kept);
}

static void note_failure(struct jval *memory, const struct run_record *run, struct alert_news *news) {
        if (!streq_null(jval_get_str(memory, "status"), "failed")) {
                jval_set_int(memory, "since_run", run->run_number);
                jval_set_int(memory, "since_at", (int64_t)run->completed_at);
                jval_set_int(memory, "count", 0);
        }
        jval_set_str(memory, "status", "failed");
        jval_set_int(memory, "count", jval_get_int(memory, "count", 0) + 1);
        news->events |= 1U << ALERT_FAILURE;
        take_series(memory, news);
}

static void note_recovery(struct jval *memory, struct alert_news *news) {
        bool had_failed = streq_null(jval_get_str(memory, "status"), "failed");

        if (!had_failed && !jval_get_bool(memory, "deadline_missed", false))
                return;
        news->events |= 1U << ALERT_RECOVERY;
        if (had_failed)
                take_series(memory, news);
        jval_remove(memory, "deadline_missed");
        forget_told(memory, ALERT_FAILURE);
        forget_told(memory, ALERT_DEADLINE);
}

static void keep_duration(struct jval *memory, const struct run_record *run) {
        const char *mode = str_or(run->batch_mode, "");
        struct jval *all = jval_get(memory, "durations"), *kept = jval_array();
        const struct jval *before;

        if (!all) {
                all = jval_object();
                jval_set(memory, "durations", all);
        }
        before = jval_get(all, mode);
        for (size_t n = jval_array_size(before), i = n >= ALERT_DURATIONS_KEPT ? n - ALERT_DURATIONS_KEPT + 1 : 0;
             i < n; i++)
                jval_add(kept, jval_integer(jval_int(jval_at(before, i), 0)));
        jval_add(kept, jval_integer(run->duration_usec));
        jval_set(all, mode, kept);
}

static void note_done(struct jval *memory, const struct run_record *run, struct alert_news *news) {
        note_recovery(memory, news);
        compare_warnings(memory, run, news);
        if (run->status == RUN_PARTIAL && news->n_warnings > 0)
                news->events |= 1U << ALERT_PARTIAL;
        if (run->status == RUN_SUCCESS)
                news->events |= 1U << ALERT_SUCCESS;
        jval_set_str(memory, "status", run_status_to_string(run->status));
        keep_duration(memory, run);
}

void alert_memory_run_ended(struct jval *memory, const struct run_record *run, struct alert_news *ret) {
        *ret = (struct alert_news){0};
        switch (run->status) {
        case RUN_FAILED:
                note_failure(memory, run, ret);
                return;
        case RUN_SUCCESS:
        case RUN_PARTIAL:
                note_done(memory, run, ret);
                break;
        case RUN_SKIPPED:
                break;
        case RUN_CANCELLED:
        case RUN_QUEUED:
        case RUN_RUNNING:
        case _RUN_STATUS_MAX:
        case _RUN_STATUS_INVALID:
                return;
        }
        jval_set_int(memory, "success_at", (int64_t)run->completed_at);
        jval_set_int(memory, "success_run", run->run_number);
}

bool alert_memory_misses(struct jval *memory, usec_t since) {
        if ((usec_t)jval_get_int(memory, "success_at", 0) > since)
                return false;
        jval_set_bool(memory, "deadline_missed", true);
        return true;
}

static int compare_integers(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

usec_t alert_memory_slow_after(const struct jval *memory, const char *mode, usec_t *ret_median) {
        const struct jval *kept = jval_get(jval_get(memory, "durations"), str_or(mode, ""));
        int64_t sorted[ALERT_DURATIONS_KEPT];
        size_t n = MIN(jval_array_size(kept), (size_t)ALERT_DURATIONS_KEPT);
        usec_t median;

        if (n < ALERT_DURATIONS_LEAST)
                return USEC_INFINITY;
        for (size_t i = 0; i < n; i++)
                sorted[i] = MAX(jval_int(jval_at(kept, i), 0), 0);
        qsort(sorted, n, sizeof(*sorted), compare_integers);
        median = (usec_t)sorted[n / 2];
        if (ret_median)
                *ret_median = median;
        return MAX(SLOW_FACTOR * median, median + SLOW_LEAST);
}

bool alert_memory_tell(struct jval *memory, const struct alert *alert, enum alert_event event, const char *cause,
                       usec_t now) {
        _cleanup_free_ char *key = xasprintf("%s/%s", alert->name, alert_event_to_string(event));
        struct jval *told = jval_get(memory, "told"), *one;
        usec_t at;

        if (event == ALERT_RECOVERY || event == ALERT_SUCCESS)
                return true;
        if (!told) {
                told = jval_object();
                jval_set(memory, "told", told);
        }
        one = jval_get(told, key);
        at = (usec_t)jval_get_int(one, "at", 0);
        /* A clock that was set back is no reason to be silent. */
        if (one && streq_null(jval_get_str(one, "cause"), str_or(cause, "")) && at <= now && now - at < alert->repeat)
                return false;
        one = jval_object();
        jval_set_str(one, "cause", str_or(cause, ""));
        jval_set_int(one, "at", (int64_t)now);
        jval_set(told, key, one);
        return true;
}
