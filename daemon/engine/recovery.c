/* Taking up what an earlier daemon left: every run that was not recorded as ended is rebuilt from state.db with the
 * definition it began with; locks and attempt files tell which attempts live, which ended, and which were never begun.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "backfill.h"
#include "engine_internal.h"
#include "errortext.h"
#include "log.h"
#include "message_ids.h"
#include "nested_steps.h"
#include "run_clock.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

struct left_run {
        struct run_record *record;
        struct attempt_record **attempts; /* in the order of step, item, attempt */
        size_t n_attempts, capacity;
};

/* A job as it was when runs of it began; many runs share one. */
struct definition {
        char *hash;
        struct job *job;
};

struct left_runs {
        struct left_run *items;
        size_t count, capacity;
        size_t last; /* whose attempt came last: attempts come run by run */
        struct definition *definitions;
        size_t n_definitions, definitions_capacity;
};

static void take_run(const struct run_record *record, void *user) {
        struct left_runs *left = user;

        GROW(left->items, left->count, left->capacity);
        left->items[left->count++] = (struct left_run){.record = run_record_copy(record)};
}

static struct left_run *find_left(struct left_runs *left, const char *run_id) {
        for (size_t i = 0; i < left->count; i++) {
                size_t at = (left->last + i) % left->count;

                if (!streq(left->items[at].record->run_id, run_id))
                        continue;
                left->last = at;
                return &left->items[at];
        }
        return NULL;
}

static void take_attempt(const struct attempt_record *record, void *user) {
        struct left_run *item = find_left(user, record->run_id);
        struct attempt_record *copy;

        if (!item)
                return;
        GROW(item->attempts, item->n_attempts, item->capacity);
        copy = item->attempts[item->n_attempts++] = attempt_record_copy(record);
        free(copy->output_log); /* read again from the log when the row is written again */
        copy->output_log = NULL;
}

static void left_runs_done(struct left_runs *left) {
        for (size_t i = 0; i < left->count; i++) {
                for (size_t k = 0; k < left->items[i].n_attempts; k++)
                        attempt_record_free(left->items[i].attempts[k]);
                free(left->items[i].attempts);
                run_record_free(left->items[i].record);
        }
        free(left->items);
        for (size_t i = 0; i < left->n_definitions; i++) {
                free(left->definitions[i].hash);
                job_unref(left->definitions[i].job);
        }
        free(left->definitions);
}

static struct job *load_definition(struct engine *engine, const struct run_record *record) {
        _cleanup_free_ char *key = xasprintf("definition/%s", str_or(record->definition_hash, ""));
        _cleanup_free_ char *sources = NULL;
        struct job *job = NULL;

        if (store_load_setting(engine->store, key, &sources) == 0 && job_from_sources(&job, record->job, sources) == 0)
                return job;
        return NULL;
}

/* The job as it was when the run began; left keeps it. NULL when it is not known. */
static struct job *definition_of(struct engine *engine, struct left_runs *left, const struct run_record *record) {
        const char *hash = str_or(record->definition_hash, "");
        struct job *job;

        for (size_t i = 0; i < left->n_definitions; i++)
                if (streq(left->definitions[i].hash, hash) && streq(left->definitions[i].job->name, record->job))
                        return left->definitions[i].job;
        job = load_definition(engine, record);
        if (!job)
                return NULL;
        GROW(left->definitions, left->n_definitions, left->definitions_capacity);
        left->definitions[left->n_definitions++] = (struct definition){.hash = xstrdup(hash), .job = job};
        return job;
}

/* Records an end for a run that cannot be taken up: better said than stuck. */
static void settle_as_lost(struct engine *engine, struct left_run *left, const char *why) {
        struct run_record *record = left->record;

        record->status = RUN_FAILED;
        record->reason = REASON_LOST;
        record->completed_at = now_realtime();
        free(record->error_message);
        record->error_message = xstrdup(why);
        record->version++;
        store_batch_put_run(decisions_batch(engine), record);
        for (size_t i = 0; i < left->n_attempts; i++) {
                struct attempt_record *attempt = left->attempts[i];

                if (step_status_is_final(attempt->status))
                        continue;
                attempt->status = attempt->status == STEP_RUNNING ? STEP_FAILED : STEP_SKIPPED;
                attempt->reason = attempt->status == STEP_FAILED ? REASON_LOST : REASON_DEPENDENCY;
                attempt->completed_at = record->completed_at;
                attempt->version++;
                store_batch_put_attempt(decisions_batch(engine), attempt, NULL);
        }
        log_at(LOG_LEVEL_ERR,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_RECOVERED, .run_id = record->run_id, .job = record->job},
               "%s #%" PRId64 " is recorded as lost: %s", record->job, record->run_number, why);
}

/* The steps of the plan, which its rows tell when none of them goes over items. */
static char **steps_of(struct engine *engine, const struct left_run *left) {
        char **steps = run_load_steps(engine, left->record->run_id);
        bool is_known = steps != NULL;

        for (size_t i = 0; !is_known && i < left->n_attempts; i++) {
                const char *name = left->attempts[i]->step_name;

                if (!step_name_is_helper(name) && !step_name_is_nested(name) && !strv_contains(steps, name))
                        strv_append(&steps, name);
        }
        return steps;
}

/* earlier: all attempts of the task but the last. */
static void restore_earlier(struct task_run *task, const struct attempt_record *earlier) {
        task->record.metrics = earlier->metrics ? jval_ref(earlier->metrics) : NULL;
        task->set_metrics = jval_get(earlier->metadata, "set_metrics")
                                    ? jval_ref(jval_get(earlier->metadata, "set_metrics"))
                                    : NULL;
        task_recount_metrics(task);
        if (task->record.metrics)
                task->record.metrics = jval_unref(task->record.metrics);
        if (task->set_metrics)
                task->set_metrics = jval_unref(task->set_metrics);
}

static void restore_state(struct task_run *task) {
        const struct attempt_record *record = &task->record;
        struct run_machine *machine = &task->run->machine;
        unsigned attempt = (unsigned)record->attempt;

        if (step_status_is_final(record->status))
                run_machine_restore_task(machine, task->index, TASK_ENDED, record->status, record->reason,
                                         record->started_at ? attempt : 0);
        else if (record->status == STEP_RUNNING)
                run_machine_restore_task(machine, task->index, TASK_RUNNING, STEP_RUNNING, REASON_NONE, attempt);
        else if (attempt > 1)
                run_machine_restore_task(machine, task->index, TASK_WAITING, STEP_RUNNING, REASON_NONE, attempt - 1);
}

/* Steps, items and the commands beside them, by the names of their rows. */
static struct task_run *find_task(struct run *run, const struct attempt_record *row) {
        uint32_t index = step_name_is_helper(row->step_name)
                                 ? TASK_NONE
                                 : run_machine_find(&run->machine, row->step_name, row->item);

        if (index == TASK_NONE) {
                index = run_machine_restore_added(&run->machine, row->step_name, row->item);
                run_add_tasks(run);
        }
        return index == TASK_NONE ? NULL : run_task(run, index);
}

/* A step inside of the latest attempt of a task. */
static void restore_nested(struct run *run, const struct attempt_record *row) {
        _cleanup_free_ char *outer = xstrndup(row->step_name, strcspn(row->step_name, "/"));
        uint32_t index = run_machine_find(&run->machine, outer, row->item);

        run->next_ordinal = MAX(run->next_ordinal, row->ordinal + 1);
        if (index != TASK_NONE && run->tasks[index] && run->tasks[index]->record.attempt == row->attempt)
                nested_restore(run->tasks[index], row);
}

/* rows: all attempts of one task. */
static void restore_task(struct run *run, struct attempt_record *const *rows, size_t n) {
        struct task_run *task = find_task(run, rows[0]);
        struct attempt_record *copy;

        if (!task) {
                log_warning("%s #%" PRId64
                            ": there is no step %s %s in what it began with; its record is left as it is",
                            run->record.job, run->record.run_number, rows[0]->step_name, rows[0]->item);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        restore_earlier(task, rows[i - 1]);
                run->next_ordinal = MAX(run->next_ordinal, rows[i]->ordinal + 1);
                run->processes_ended += rows[i]->processes_ended;
        }
        copy = attempt_record_copy(rows[n - 1]);
        task->record = *copy;
        free(copy);
        if (task->record.metadata && jval_get(task->record.metadata, "set_metrics"))
                task->set_metrics = jval_ref(jval_get(task->record.metadata, "set_metrics"));
        restore_state(task);
}

/* Attempts of one task together, in their order; tasks in the order in which they came up. */
struct task_rows {
        struct attempt_record **rows;
        size_t n;
};

static int compare_rows(const void *a, const void *b) {
        const struct attempt_record *x = *(struct attempt_record *const *)a, *y = *(struct attempt_record *const *)b;
        int order = strcmp(x->step_name, y->step_name);

        if (order == 0)
                order = strcmp(x->item, y->item);
        return order != 0 ? order : (x->attempt > y->attempt) - (x->attempt < y->attempt);
}

/* Behind all others those inside of steps, in the order in which they began. */
static int compare_nested(const void *a, const void *b) {
        const struct attempt_record *x = *(struct attempt_record *const *)a, *y = *(struct attempt_record *const *)b;
        int order = (int)step_name_is_nested(x->step_name) - (int)step_name_is_nested(y->step_name);

        return order != 0 ? order : (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

static int compare_tasks(const void *a, const void *b) {
        const struct task_rows *x = a, *y = b;

        return (x->rows[0]->ordinal > y->rows[0]->ordinal) - (x->rows[0]->ordinal < y->rows[0]->ordinal);
}

static bool is_same_task(const struct attempt_record *a, const struct attempt_record *b) {
        return streq(a->step_name, b->step_name) && streq(a->item, b->item);
}

static void restore_tasks(struct run *run, const struct left_run *left) {
        struct task_rows *tasks = xcalloc(left->n_attempts + 1, sizeof(*tasks));
        size_t n = 0, n_outer = 0;

        if (left->n_attempts > 0)
                qsort(left->attempts, left->n_attempts, sizeof(*left->attempts), compare_nested);
        while (n_outer < left->n_attempts && !step_name_is_nested(left->attempts[n_outer]->step_name))
                n_outer++;
        if (n_outer > 0)
                qsort(left->attempts, n_outer, sizeof(*left->attempts), compare_rows);
        for (size_t i = 0; i < n_outer; i++) {
                if (n == 0 || !is_same_task(tasks[n - 1].rows[0], left->attempts[i]))
                        tasks[n++].rows = &left->attempts[i];
                tasks[n - 1].n++;
        }
        if (n > 0)
                qsort(tasks, n, sizeof(*tasks), compare_tasks);
        for (size_t i = 0; i < n; i++)
                restore_task(run, tasks[i].rows, tasks[i].n);
        for (size_t i = n_outer; i < left->n_attempts; i++)
                restore_nested(run, left->attempts[i]);
        free(tasks);
}

/* What ended is counted, what goes on is found again, what has no row yet gets one. */
static void sort_out_task(struct run *run, size_t index) {
        const struct task *state = &run->machine.tasks[index];
        struct task_run *task = run->tasks[index];

        if (!task)
                return;
        if (state->state == TASK_ENDED) {
                run_settle_metrics(task);
                if (run_machine_is_listed(&run->machine, index))
                        task_let_go(task);
                return;
        }
        if (state->state != TASK_PENDING)
                task_set_alive(task, true);
        if (!task->record.step_name)
                task_prepare_attempt(task, 1);
}

/* Where the boot clock's start is not known (the machine was started anew) the wall clock's difference has to do. */
static void restore_clock(struct run *run) {
        usec_t now = now_realtime(), boottime = now_boottime(), began = run_clock_find(run->dir, RUN_CLOCK_BEGAN);
        usec_t spent = run->record.started_at && run->record.started_at < now ? now - run->record.started_at : 0;

        if (began > 0 && began <= boottime)
                run->began_boottime = began;
        else
                run->began_boottime = spent < boottime ? boottime - spent : 0;
        run->started_boottime = run->plan.ready ? run_clock_find(run->dir, RUN_CLOCK_STARTED) : 0;
        if (run->started_boottime == 0 || run->started_boottime > boottime)
                run->started_boottime = run->began_boottime;
        run->clock_runs = run->record.started_at != 0 || run->machine.ready_task != TASK_NONE;
}

static struct run *rebuild(struct engine *engine, struct job *job, struct left_run *left, char **ret_why) {
        _cleanup_strv_ char **only = steps_of(engine, left);
        const char *which = NULL;
        struct run *run;
        uint64_t lines;
        int r;

        if (!job) {
                (void)error_set(ret_why, 0, "the definition it began with is not in state.db");
                return NULL;
        }
        run = run_new(engine, NULL);
        if (backfill_is(left->record)) {
                run->plan = (struct run_plan){.job = job_ref(job), .mode = xstrdup_or_null(left->record->batch_mode)};
                r = 0;
        } else {
                r = run_plan_make(&run->plan, job, left->record->batch_mode, only, ret_why, &which);
        }
        if (r < 0) {
                run_free(run);
                return NULL;
        }
        run->record = *left->record;
        free(left->record);
        left->record = run_record_copy(&run->record);
        r = run_prepare(run, &lines);
        if (r == 0)
                r = backfill_is(&run->record) ? backfill_attach(run) : run_restore_items(run);
        if (r < 0) {
                (void)error_set(ret_why, 0, "its folder %s cannot be used: %s", run->dir, strerror(-r));
                run_free(run);
                return NULL;
        }
        return run;
}

/* What an earlier daemon would have done next, unless the machine has gone down since. */
static void go_on(struct run *run, bool rebooted) {
        struct effects effects = {0};

        if (run->record.status == RUN_RUNNING &&
            (run->record.reason == REASON_LOST || (rebooted && run->record.reason == REASON_NONE))) {
                /* Kept before the end, as with a cancel. */
                run->record.reason = REASON_LOST;
                run_count_lost(run);
                run_mark(run);
                (void)run_machine_lose(&run->machine, &effects);
        } else {
                (void)run_machine_resume(&run->machine, &effects);
        }
        run_apply(run, &effects);
}

static void take_up(struct run *run, const struct left_run *left, bool rebooted) {
        struct effects effects = {0};

        run_machine_restore_run(&run->machine, run->record.status, jval_array_size(run->record.warnings) > 0);
        restore_tasks(run, left);
        for (size_t i = 0; i < run->n_tasks; i++)
                sort_out_task(run, i);
        run_recount_metrics(run);
        restore_clock(run);
        run_arm_timeout(run);
        if (run->record.started_at)
                alerts_run_started(run);
        log_at(LOG_LEVEL_NOTICE,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_RECOVERED, .run_id = run->record.run_id, .job = run->record.job},
               "%s #%" PRId64 " %s after a restart of the daemon", run->record.job, run->record.run_number,
               run->record.status == RUN_QUEUED ? "waits on" : "goes on");
        for (struct task_run *task = run->alive; task; task = task->next_alive)
                if (run->machine.tasks[task->index].state == TASK_RUNNING) {
                        task->adopted = true;
                        task->has_slots = task_step(task)->limits.count > 0;
                        task_adopt(task);
                }
        if (run->backfill) {
                backfill_take_up(run);
                return;
        }
        /* What is queued begins when all have been taken up. */
        go_on(run, rebooted);
        /* A cancel that an earlier daemon had begun is kept as the reason of a run that still runs. */
        if (run->record.reason != REASON_NONE && run->record.reason != REASON_NOT_READY &&
            !run_status_is_final(run->machine.status)) {
                (void)run_machine_cancel(&run->machine, run->record.reason, &effects);
                run_apply(run, &effects);
        }
}

int engine_recover(struct engine *engine, char **ret_error) {
        struct left_runs left = {0};
        struct run **link = &engine->runs;
        int r = store_load_active(engine->store, take_run, take_attempt, &left, ret_error);
        bool rebooted = r == 0 && machine_was_restarted(engine);

        engine->recovering = true;

        for (size_t i = 0; r == 0 && i < left.count; i++) {
                _cleanup_free_ char *why = NULL;
                struct job *job = definition_of(engine, &left, left.items[i].record);
                struct run *run = rebuild(engine, job, &left.items[i], &why);

                if (!run) {
                        settle_as_lost(engine, &left.items[i], str_or(why, "it cannot be taken up"));
                        continue;
                }
                while (*link) /* behind what the end of another has brought about */
                        link = &(*link)->next;
                *link = run;
                engine->n_runs++;
                take_up(run, &left.items[i], rebooted);
        }
        engine->recovering = false;
        for (struct run *run = engine->runs; run; run = run->next)
                if (run->ended)
                        run_restart_lost(run);
        left_runs_done(&left);
        return r;
}
