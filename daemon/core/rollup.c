#include "rollup.h"

#include <stdlib.h>

#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

void rollup_done(struct rollup *rollup) {
        for (size_t i = 0; i < rollup->n_steps; i++) {
                free(rollup->steps[i].step_name);
                (void)jval_unref(rollup->steps[i].metrics);
        }
        free(rollup->steps);
        *rollup = (struct rollup){0};
}

static struct step_rollup *step_of(struct rollup *rollup, const struct attempt_record *attempt) {
        struct step_rollup *step = rollup->n_steps > 0 ? &rollup->steps[rollup->n_steps - 1] : NULL;

        if (step && step->step_order == attempt->step_order && streq(step->step_name, attempt->step_name))
                return step;
        GROW(rollup->steps, rollup->n_steps, rollup->capacity);
        step = &rollup->steps[rollup->n_steps++];
        *step = (struct step_rollup){
                .step_name = xstrdup(attempt->step_name),
                .step_order = attempt->step_order,
                .records_processed = -1,
                .metrics = jval_object(),
        };
        return step;
}

/* += adds over all attempts, = keeps the last attempt's: which ones were set is kept with the attempt. */
static void add_metrics(struct step_rollup *step, const struct attempt_record *attempt, bool is_last) {
        const struct jval *set = jval_get(attempt->metadata, "set_metrics");

        for (void *i = attempt->metrics ? jval_iter(attempt->metrics) : NULL; i;
             i = jval_iter_next(attempt->metrics, i)) {
                const char *name = jval_iter_key(i);
                int64_t sum;

                if (!is_last && jval_has(set, name))
                        continue;
                if (__builtin_add_overflow(jval_get_int(step->metrics, name, 0), jval_int(jval_iter_value(i), 0), &sum))
                        sum = INT64_MAX;
                jval_set_int(step->metrics, name, sum);
        }
}

void rollup_add(struct rollup *rollup, const struct attempt_record *attempt, bool is_last) {
        struct step_rollup *step;

        if (step_name_is_helper(attempt->step_name))
                return;
        step = step_of(rollup, attempt);
        if (attempt->started_at > 0) {
                step->attempts++;
                if (step->began_at == 0 || attempt->started_at < step->began_at)
                        step->began_at = attempt->started_at;
        }
        if (attempt->duration_usec > 0)
                step->work_usec += attempt->duration_usec;
        add_metrics(step, attempt, is_last);
        if (!is_last)
                return;
        step->items++;
        step->counts[attempt->status]++;
        if (attempt->started_at > 0)
                step->ended_at = MAX(step->ended_at, attempt->completed_at);
        if (attempt->records_processed >= 0)
                step->records_processed = MAX(step->records_processed, (int64_t)0) + attempt->records_processed;
}

double step_rollup_seconds(const struct step_rollup *step) {
        if (step->began_at == 0 || step->ended_at < step->began_at || step->counts[STEP_RUNNING] > 0)
                return -1;
        return (double)(step->ended_at - step->began_at) / (double)USEC_PER_SEC;
}

static void set_real_or_null(struct jval *object, const char *key, double value) {
        jval_set(object, key, value < 0 ? jval_null() : jval_real(value));
}

struct jval *step_rollup_to_json(const struct step_rollup *step) {
        struct jval *object = jval_object();

        jval_set_str(object, "step_name", step->step_name);
        jval_set_int(object, "step_order", step->step_order);
        jval_set_int(object, "items", step->items);
        for (enum step_status status = 0; status < _STEP_STATUS_MAX; status++)
                jval_set_int(object, step_status_to_string(status), step->counts[status]);
        jval_set_int(object, "attempts", step->attempts);
        jval_set_time(object, "started_at", step->began_at);
        set_real_or_null(object, "duration_seconds", step_rollup_seconds(step));
        jval_set_real(object, "work_seconds", (double)step->work_usec / (double)USEC_PER_SEC);
        jval_set(object, "records_processed",
                 step->records_processed < 0 ? jval_null() : jval_integer(step->records_processed));
        jval_set(object, "metrics", jval_ref(step->metrics));
        return object;
}

struct jval *rollup_totals_to_json(const struct rollup *rollup) {
        struct jval *totals = jval_object();
        int64_t items = 0, attempts = 0, counts[_STEP_STATUS_MAX] = {0};

        for (size_t i = 0; i < rollup->n_steps; i++) {
                if (step_name_is_nested(rollup->steps[i].step_name) || step_name_is_helper(rollup->steps[i].step_name))
                        continue;
                items += rollup->steps[i].items;
                attempts += rollup->steps[i].attempts;
                for (size_t k = 0; k < ELEMENTSOF(counts); k++)
                        counts[k] += rollup->steps[i].counts[k];
        }
        jval_set_int(totals, "items", items);
        jval_set_int(totals, "attempts", attempts);
        for (enum step_status status = 0; status < _STEP_STATUS_MAX; status++)
                jval_set_int(totals, step_status_to_string(status), counts[status]);
        return totals;
}

static int compare(const void *a, const void *b) {
        double left = *(const double *)a, right = *(const double *)b;

        return (left > right) - (left < right);
}

double median_of(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double quantile_of(double *values, size_t n, double share) {
        size_t rank = (size_t)(share * (double)n);

        qsort(values, n, sizeof(*values), compare);
        if ((double)rank < share * (double)n)
                rank++;
        return values[MIN(MAX(rank, (size_t)1), n) - 1];
}
