#include "nested_steps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "strutil.h"
#include "xalloc.h"

struct nested_step {
        struct attempt_record record;
        bool is_dirty;
};

struct nested_steps {
        struct nested_step **items;
        size_t n, capacity;
};

void nested_forget(struct task_run *task) {
        struct nested_steps *nested = task->nested;

        if (!nested)
                return;
        for (size_t i = 0; i < nested->n; i++) {
                attempt_record_done(&nested->items[i]->record);
                free(nested->items[i]);
        }
        task->run->n_nested -= nested->n;
        free(nested->items);
        free(nested);
        task->nested = NULL;
}

static struct nested_step *add_step(struct task_run *task) {
        struct nested_steps *nested = task->nested;

        if (!nested)
                nested = task->nested = NEW(struct nested_steps);
        GROW(nested->items, nested->n, nested->capacity);
        nested->items[nested->n] = NEW(struct nested_step);
        task->run->n_nested++;
        return nested->items[nested->n++];
}

/* OUTER/INNER, or OUTER/INNER#2 where one of that name has been. New memory. */
static char *name_of(const struct task_run *task, const char *inner) {
        unsigned times = 1;
        char *name = xasprintf("%s/%s", task->record.step_name, inner);
        size_t len = strlen(name);

        for (size_t i = 0; task->nested && i < task->nested->n; i++) {
                const char *other = task->nested->items[i]->record.step_name;

                times += strncmp(other, name, len) == 0 && (other[len] == '\0' || other[len] == '#');
        }
        if (times > 1) {
                char *numbered = xasprintf("%s#%u", name, times);

                free(name);
                name = numbered;
        }
        return name;
}

static struct nested_step *begin(struct task_run *task, const char *inner) {
        char *name = name_of(task, inner);
        struct nested_step *step = add_step(task);

        step->record = (struct attempt_record){
                .step_name = name,
                .item = xstrdup(task->record.item),
                .attempt = task->record.attempt,
                .step_order = task->record.step_order,
                .ordinal = task->run->next_ordinal++,
                .number = task->record.number, /* of the monitor that told */
                .status = STEP_RUNNING,
                .created_at = now_realtime(),
                .duration_usec = -1,
                .records_processed = -1,
                .exit_status = -1,
        };
        memcpy(step->record.run_id, task->record.run_id, sizeof(step->record.run_id));
        return step;
}

/* What a report says; texts point into it. */
struct word {
        const char *name, *result, *error;
        uint64_t began, took;
        int64_t records;
};

/* Splits value in place: "name result began=.. took=.. records=.. error=text to the end". Reports of older monitors
 * have no times. */
static bool read_word(char *value, struct word *ret) {
        char *rest = value, *field;

        *ret = (struct word){.records = -1};
        ret->name = strsep(&rest, " ");
        ret->result = rest ? strsep(&rest, " ") : NULL;
        while (rest && *rest) {
                const char *text;

                if ((text = startswith(rest, "error="))) {
                        ret->error = text;
                        break;
                }
                field = strsep(&rest, " ");
                if ((text = startswith(field, "began=")))
                        (void)parse_uint64(text, &ret->began);
                else if ((text = startswith(field, "took=")))
                        (void)parse_uint64(text, &ret->took);
                else if ((text = startswith(field, "records=")))
                        (void)parse_int64(text, &ret->records);
        }
        return ret->result && *ret->name && (int)step_status_from_string(ret->result) >= 0;
}

static void take_word(struct nested_step *step, const struct word *word) {
        struct attempt_record *record = &step->record;

        record->status = step_status_from_string(word->result);
        record->started_at = word->began ? word->began : record->created_at;
        if (word->records >= 0)
                record->records_processed = word->records;
        if (step_status_is_final(record->status)) {
                record->duration_usec = (int64_t)word->took;
                record->completed_at = word->began ? word->began + word->took : now_realtime();
        }
        if (word->error && !record->error_message)
                record->error_message = xstrdup(word->error);
        step->is_dirty = true;
}

/* Known in full from an earlier daemon, and told once more. Or an older word: the attempt file of a monitor that was
 * killed may be a moment behind what it had told, and a step that has ended never runs again (another one begins). */
static bool says_nothing_new(const struct nested_step *step, const struct word *word) {
        const struct attempt_record *record = &step->record;
        enum step_status status = step_status_from_string(word->result);

        if (step_status_is_final(record->status) && !step_status_is_final(status))
                return true;
        return record->status == status && (word->records < 0 || record->records_processed == word->records) &&
               (!word->error || record->error_message);
}

void nested_report(struct task_run *task, const char *number, const char *value) {
        _cleanup_free_ char *copy = xstrdup(value);
        size_t n = task->nested ? task->nested->n : 0;
        struct nested_step *step;
        struct word word;
        int64_t index;

        if (parse_int64(number, &index) < 0 || index < 1 || !read_word(copy, &word))
                return;
        if ((uint64_t)index <= n) {
                step = task->nested->items[index - 1];
                if (says_nothing_new(step, &word))
                        return;
        } else if ((uint64_t)index != n + 1) {
                return; /* one before it was beyond the cap */
        } else if (task->run->n_nested >= NESTED_STEPS_MAX) {
                run_add_warning(task->run, task->record.step_name, task->record.item, "report",
                                "more steps inside of steps than a run keeps (500); the rest is not recorded");
                return;
        } else {
                step = begin(task, word.name);
        }
        take_word(step, &word);
        task_mark(task);
}

/* The program ended without a word on it. */
static void close_open(const struct task_run *task, struct nested_step *step) {
        struct attempt_record *record = &step->record;
        const char *why = task->record.error_message;

        record->status = task->record.status;
        record->reason = task->record.reason;
        record->completed_at = task->record.completed_at;
        if (record->completed_at >= record->started_at && record->reason != REASON_LOST)
                record->duration_usec = (int64_t)(record->completed_at - record->started_at);
        record->metadata = jval_object();
        jval_set_bool(record->metadata, "left_open", true);
        if (record->status != STEP_SUCCESS && !record->error_message)
                record->error_message = xasprintf("open when the step ended%s%s", why ? ": " : "", str_or(why, ""));
        step->is_dirty = true;
}

static void warn_of_failure(struct task_run *task, const struct nested_step *step) {
        const char *slash = strchr(step->record.step_name, '/');
        _cleanup_free_ char *text =
                xasprintf("%s failed%s%s", slash ? slash + 1 : step->record.step_name,
                          step->record.error_message ? ": " : "", str_or(step->record.error_message, ""));

        task->had_warnings = true;
        run_add_warning(task->run, task->record.step_name, task->record.item, "step", text);
}

void nested_close(struct task_run *task) {
        for (size_t i = 0; task->nested && i < task->nested->n; i++) {
                struct nested_step *step = task->nested->items[i];

                if (!step_status_is_final(step->record.status))
                        close_open(task, step);
                else if (step->record.status == STEP_FAILED && task->record.status == STEP_SUCCESS)
                        warn_of_failure(task, step);
        }
}

void nested_put(struct task_run *task) {
        for (size_t i = 0; task->nested && i < task->nested->n; i++) {
                struct nested_step *step = task->nested->items[i];

                if (!step->is_dirty)
                        continue;
                step->is_dirty = false;
                step->record.version++;
                step->record.updated_at = now_realtime();
                store_batch_put_attempt(decisions_batch(task->run->engine), &step->record, NULL);
        }
}

void nested_restore(struct task_run *task, const struct attempt_record *record) {
        struct attempt_record *copy = attempt_record_copy(record);

        add_step(task)->record = *copy;
        free(copy);
}

const struct attempt_record *nested_at(const struct task_run *task, size_t index) {
        return task->nested && index < task->nested->n ? &task->nested->items[index]->record : NULL;
}

const char *nested_current_name(const struct task_run *task) {
        for (size_t i = task->nested ? task->nested->n : 0; i > 0; i--)
                if (!step_status_is_final(task->nested->items[i - 1]->record.status))
                        return task->nested->items[i - 1]->record.step_name;
        return task->record.step_name;
}
