#include "gates.h"

#include <stdlib.h>
#include <string.h>

#include "coverage_gate.h"
#include "missing.h"
#include "record_band.h"
#include "record_expectation.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define CATEGORY_SKIPPED "skipped_gate"

struct task_gates {
        struct attempt_result result; /* what waits for the history */
        void (*settle)(struct task_run *task, const struct attempt_result *result);
        bool is_asked;
        struct record_band band;
        char *trouble; /* why the band is not known, or NULL */
        char *words;   /* of the failure */
};

static struct jval *metadata_of(struct task_run *task) {
        if (!task->record.metadata)
                task->record.metadata = jval_object();
        return task->record.metadata;
}

static struct step_figures figures_of(const struct task_run *task) {
        const struct jval *covered = jval_get(task->record.metadata, "covered");

        return (struct step_figures){
                .records = task->record.records_processed,
                .expected = jval_get_int(task->record.metadata, "expected", -1),
                .coverage = jval_get_real(task->record.metadata, "coverage", -1),
                .covered = jval_int(jval_at(covered, 0), 0),
                .all = jval_int(jval_at(covered, 1), 0),
        };
}

bool gates_skipped(const struct task_run *task, enum gate gate) {
        const struct jval *skip = jval_get(task->run->record.options, "skip_gates");
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < jval_array_size(skip); i++)
                strv_append(&names, str_or(jval_str(jval_at(skip, i)), ""));
        return gate_is_skipped(names, task_step(task)->name, gate);
}

static struct task_gates *gates_of(struct task_run *task) {
        if (!task->gates)
                task->gates = NEW(struct task_gates);
        return task->gates;
}

void gates_forget(struct task_run *task) {
        if (!task->gates)
                return;
        free(task->gates->trouble);
        free(task->gates->words);
        free(task->gates);
        task->gates = NULL;
}

static void learn(struct task_run *task, const struct jval *counts) {
        size_t n = jval_array_size(counts);
        _cleanup_free_ int64_t *values = xcalloc(n + 1, sizeof(*values));

        for (size_t i = 0; i < n; i++)
                values[i] = jval_int(jval_at(counts, i), 0);
        task->gates->band = record_band_learn(&task_step(task)->records_band, values, n);
}

static void history_known(int error, const char *error_text, struct jval *counts, void *user) {
        struct task_run *task = user;
        struct attempt_result result = task->gates->result;

        if (error < 0)
                task->gates->trouble = xstrdup(str_or(error_text, strerror(-error)));
        else
                learn(task, counts);
        if (counts)
                jval_unref(counts);
        task->gates->settle(task, &result);
}

/* The band is only asked for where it would be judged: record_band_judge. */
static bool needs_band(const struct task_run *task, const struct attempt_end *end) {
        enum reason reason;
        bool warned;

        return task_step(task)->records_band.action != BAND_NONE &&
               attempt_end_status(task_step(task), end, &reason, &warned) == STEP_SUCCESS &&
               task->record.records_processed >= 0 && !jval_has(task->record.metadata, "expected");
}

bool gates_wait(struct task_run *task, const struct attempt_result *result, const struct attempt_end *end,
                void (*settle)(struct task_run *task, const struct attempt_result *result)) {
        const struct run *run = task->run;
        struct task_gates *gates;
        int r;

        if (!needs_band(task, end))
                return false;
        gates = gates_of(task);
        if (gates->is_asked)
                return false;
        *gates = (struct task_gates){.result = *result, .settle = settle, .is_asked = true};
        r = history_step_records(run->engine->history,
                                 &(struct step_records_question){.job = run->record.job,
                                                                 .mode = run->record.batch_mode,
                                                                 .step = task->record.step_name,
                                                                 .item = task->record.item,
                                                                 .before = run->record.created_at,
                                                                 .limit = task_step(task)->records_band.window},
                                 history_known, task);
        if (r == 0)
                return true;
        gates->trouble = xstrdup("too many questions wait for state.db");
        return false;
}

static void warn(struct task_run *task, const char *category, const char *text) {
        task->had_warnings = true;
        run_add_warning(task->run, task->record.step_name, task->record.item, category, text);
}

/* What a gate says of the attempt. True: it is not let through. Takes text over. */
static bool apply(struct task_run *task, struct attempt_end *end, enum gate gate, enum verdict verdict, char *text) {
        _cleanup_free_ char *owned = text, *skipped = NULL;

        switch (verdict) {
        case VERDICT_PASS:
                return false;
        case VERDICT_WARN:
                warn(task, gate == GATE_COVERAGE ? "coverage" : "records", text);
                return false;
        case VERDICT_FAIL:
                break;
        }
        if (gates_skipped(task, gate)) {
                skipped = xasprintf("%s was skipped: %s", gate_to_string(gate), text);
                warn(task, CATEGORY_SKIPPED, skipped);
                return false;
        }
        end->verdict = gate == GATE_COVERAGE ? REASON_GATE : REASON_RECORDS;
        gates_of(task)->words = STEAL_PTR(owned);
        end->error_message = task->gates->words;
        return true;
}

static bool judge_coverage(struct task_run *task, struct attempt_end *end, const struct step_figures *figures) {
        _cleanup_free_ char *reasons = missing_reasons_text(task->record.metadata);
        char *text = NULL;
        enum verdict verdict = coverage_gate_judge(figures, task_step(task)->coverage_min, &text);

        if (text && reasons) {
                char *longer = xasprintf("%s; missing: %s", text, reasons);

                free(text);
                text = longer;
        }
        return apply(task, end, GATE_COVERAGE, verdict, text);
}

static bool judge_records(struct task_run *task, struct attempt_end *end, const struct step_figures *figures) {
        char *text = NULL;
        enum verdict verdict = record_expectation_judge(figures, task_step(task)->records_min, &text);

        return apply(task, end, GATE_RECORDS, verdict, text);
}

/* Kept with the attempt: what was usual, and for those who learn later, whether this one was outside. */
static void note_band(struct task_run *task, const struct record_band *band, bool is_outside) {
        struct jval *noted = jval_object();

        jval_set_int(noted, "learned_from", (int64_t)band->n);
        if (band->is_known) {
                jval_set_real(noted, "median", band->median);
                jval_set_real(noted, "lowest", band->lowest);
                jval_set_real(noted, "highest", band->highest);
                jval_set_bool(noted, "outside", is_outside);
        }
        jval_set(metadata_of(task), "records_band", noted);
}

static bool judge_band(struct task_run *task, struct attempt_end *end, const struct step_figures *figures) {
        const struct task_gates *gates = task->gates;
        _cleanup_free_ char *trouble = NULL;
        enum verdict verdict;
        char *text = NULL;

        if (!gates || !gates->is_asked)
                return false;
        if (gates->trouble) {
                trouble = xasprintf("the records could not be compared with earlier runs: %s", gates->trouble);
                warn(task, "records", trouble);
                return false;
        }
        verdict = record_band_judge(&task_step(task)->records_band, &gates->band, figures, &text);
        note_band(task, &gates->band, verdict != VERDICT_PASS);
        return apply(task, end, GATE_BAND, verdict, text);
}

static void judge_missing(struct task_run *task) {
        const char *first;
        int64_t unknown = missing_without_reason(task->record.metadata, &first);
        _cleanup_free_ char *text = NULL;

        if (unknown == 0)
                return;
        text = xasprintf("%lld of the missing items ha%s no reason, the first is %s; MISSING= takes \"item: reason\"",
                         (long long)unknown, unknown == 1 ? "s" : "ve", str_or(first, "?"));
        warn(task, "missing", text);
}

void gates_judge(struct task_run *task, struct attempt_end *end) {
        struct step_figures figures = figures_of(task);
        enum reason reason;
        bool warned;

        judge_missing(task);
        if (attempt_end_status(task_step(task), end, &reason, &warned) == STEP_SUCCESS &&
            !judge_records(task, end, &figures) && !judge_band(task, end, &figures))
                (void)judge_coverage(task, end, &figures);
        end->had_warnings = task->had_warnings;
}
