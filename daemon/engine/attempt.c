/* One attempt of a task, from the decision to start it to its recorded end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "attempt_message.h"
#include "engine_internal.h"
#include "fileutil.h"
#include "gates.h"
#include "limits.h"
#include "log.h"
#include "message_ids.h"
#include "nested_steps.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"
#include "xalloc.h"

/* Of what a run waits for, in one line. */
#define AWAITED_MAX 500

static struct log_context context_of(const struct task_run *task) {
        return (struct log_context){.run_id = task->run->record.run_id,
                                    .job = task->run->record.job,
                                    .step = task->record.step_name,
                                    .item = task->record.item[0] ? task->record.item : NULL};
}

char *task_log_path(const struct task_run *task) {
        return path_join(task->run->engine->config.state_dir, task->record.log_path);
}

char *task_attempt_path(const struct task_run *task) {
        _cleanup_free_ char *log = task_log_path(task);

        return xasprintf("%.*s.attempt", (int)(strlen(log) - strlen(".log")), log);
}

/* From 1; the commands of the job come before all steps. */
static int32_t order_of(const struct task *task) {
        return task->kind == TASK_READY || task->kind == TASK_RUN_CONDITION ? 0 : (int32_t)task->plan_index + 1;
}

void task_fill_record(struct task_run *task, unsigned attempt) {
        struct run *run = task->run;
        const struct task *state = &run->machine.tasks[task->index];
        const char *step = task_step(task)->name;
        _cleanup_free_ char *name = log_file_name(order_of(state), step, state->item, (int)attempt);

        task->record = (struct attempt_record){
                .step_name = xstrdup(step),
                .item = xstrdup(state->item),
                .attempt = (int32_t)attempt,
                .step_order = order_of(state),
                .ordinal = run->next_ordinal++,
                .status = STEP_PENDING,
                .created_at = now_realtime(),
                .duration_usec = -1,
                .records_processed = -1,
                .exit_status = -1,
                .log_path = xasprintf("runs/%s/%s", run->record.run_id, name),
        };
        memcpy(task->record.run_id, run->record.run_id, sizeof(task->record.run_id));
}

/* Fresh fields for attempt `attempt` of the task; what an earlier attempt recorded is written out first. */
void task_prepare_attempt(struct task_run *task, unsigned attempt) {
        struct run *run = task->run;
        struct attempt_record *record = &task->record;
        _cleanup_free_ char *log = NULL;

        if (record->step_name && record->attempt == (int32_t)attempt)
                return;
        if (record->step_name) {
                log = task_log_path(task);
                record->version++;
                record->updated_at = now_realtime();
                store_batch_put_attempt(decisions_batch(run->engine), record, log);
                nested_put(task);
                task_recount_metrics(task);
                attempt_record_done(record);
        }
        task_fill_record(task, attempt);
        if (task->set_metrics)
                task->set_metrics = jval_unref(task->set_metrics);
        task->error_class = ERROR_CLASS_UNKNOWN;
        task->had_warnings = false;
        task->done = task->total = 0;
        task->own_progress = 0;
        gates_forget(task);
        nested_forget(task);
}

static usec_t run_time_left(const struct run *run) {
        usec_t limit = run->plan.job->run_timeout, spent = now_boottime() - run->began_boottime;

        if (limit == USEC_INFINITY)
                return USEC_INFINITY;
        return spent < limit ? limit - spent : 0;
}

void task_launch_now(struct task_run *task) {
        struct run *run = task->run;
        const struct step *step = task_step(task);
        _cleanup_strv_ char **argv = exec_substitute(step->exec, run->record.parameters, task->record.item);
        _cleanup_strv_ char **environment = task_environment(task);
        _cleanup_free_ char *log = task_log_path(task), *file = task_attempt_path(task);
        _cleanup_free_ char *label =
                xasprintf("%" PRId64 ".%s%s%s.%d", run->record.run_number, task->record.step_name,
                          task->record.item[0] ? "." : "", task->record.item, task->record.attempt);
        struct attempt_spec spec = {
                .number = task->record.number,
                .run_id = run->record.run_id,
                .label = label,
                .argv = argv,
                .environment = environment,
                .working_directory = run->plan.job->working_directory,
                .log_path = log,
                .attempt_path = file,
                .timeout = step->timeout,
                .run_timeout_left = run_time_left(run),
                .kill_grace = step->kill_grace,
                .heartbeat = step->heartbeat,
                .heartbeat_kill = step->heartbeat_action == HEARTBEAT_KILL,
                .memory_max = step->memory_max,
                .tasks_max = step->tasks_max,
                .cpu_quota_percent = step->cpu_quota_percent,
                .nice = step->nice,
        };

        run_open_folder(run);
        task->attempt = supervise_launch(run->engine->supervise, &spec, &attempt_events_of_engine, task);
}

void task_adopt(struct task_run *task) {
        struct run *run = task->run;
        _cleanup_free_ char *log = task_log_path(task), *file = task_attempt_path(task);
        uint64_t offset = 0;

        (void)log_index_resume_offset(run->dir, (uint32_t)task->record.ordinal, &offset);
        task->attempt = supervise_adopt(run->engine->supervise, task->record.number, file, log, offset,
                                        &attempt_events_of_engine, task);
}

static void attempt_started(pid_t pid, usec_t realtime, void *user) {
        struct task_run *task = user;
        struct log_context context = context_of(task);
        struct effects effects = {0};

        context.message_id = MESSAGE_ID_STEP_STARTED;
        if (realtime)
                task->record.started_at = realtime;
        log_at(LOG_LEVEL_INFO, &context, "%s #%" PRId64 " %s started (attempt %d, pid %d)", task->run->record.job,
               task->run->record.run_number, task->record.step_name, task->record.attempt, (int)pid);
        (void)run_machine_attempt_started(&task->run->machine, task->index, &effects);
        run_apply(task->run, &effects);
}

/* Indexed before it is shown: the number that somebody saw stays that line's number after a restart. Where the disk is
 * full the lines are shown all the same; then a restart may number them anew, and says so in the log. */
static void index_lines(struct task_run *task, size_t n, uint64_t offset, uint64_t end) {
        struct run *run = task->run;
        struct log_index_entry entry = {
                .first = run->ring->next_sequence,
                .offset = offset,
                .end = end,
                .count = (uint32_t)n,
                .ordinal = (uint32_t)task->record.ordinal,
        };

        if (n > 0 && run->log_index && log_index_append(run->log_index, &entry) < 0 && !run->index_broken) {
                run->index_broken = true;
                log_error("the sequence index of %s #%" PRId64
                          " cannot be written; its lines may be numbered anew after a restart",
                          run->record.job, run->record.run_number);
        }
}

static void attempt_lines(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user) {
        struct task_run *task = user;
        struct run *run = task->run;

        index_lines(task, n, offset, end);
        for (size_t i = 0; i < n; i++)
                ring_push(run->ring,
                          &(struct ring_line){
                                  .time_nsec = lines[i].time_nsec,
                                  .len = (uint32_t)lines[i].len,
                                  .task = (uint32_t)task->index,
                                  .is_stderr = lines[i].is_stderr,
                                  .is_partial = lines[i].is_partial,
                          },
                          lines[i].text);
        run_notify_watches(run);
}

static void attempt_skipped(size_t n, uint64_t offset, uint64_t end, void *user) {
        struct task_run *task = user;

        index_lines(task, n, offset, end);
        ring_skip(task->run->ring, n);
        run_notify_watches(task->run);
}

static void attempt_report(const char *key, const char *value, void *user) {
        task_report(user, key, value);
}

static enum attempt_outcome outcome_of(const struct attempt_result *result) {
        switch (result->ended_by) {
        case ENDED_BY_ITSELF:
                return result->signal_number ? OUTCOME_SIGNALED : OUTCOME_EXITED;
        case ENDED_BY_TIMEOUT:
        case ENDED_BY_RUN_TIMEOUT:
                return OUTCOME_TIMEOUT;
        case ENDED_BY_HEARTBEAT:
                return OUTCOME_HEARTBEAT;
        case ENDED_BY_OOM:
                return OUTCOME_OOM;
        case ENDED_BY_STOP:
                return OUTCOME_CANCELLED;
        case ENDED_BY_SPAWN:
                return OUTCOME_SPAWN;
        case ENDED_BY_LOST:
                return OUTCOME_LOST;
        }
        return OUTCOME_LOST;
}

static void record_measures(struct task_run *task, const struct attempt_result *result) {
        static const struct {
                const char *name;
                size_t offset;
        } measures[] = {
                {"memory_peak_bytes", offsetof(struct attempt_result, memory_peak)},
                {"cpu_usec", offsetof(struct attempt_result, cpu_usec)},
                {"io_read_bytes", offsetof(struct attempt_result, io_read_bytes)},
                {"io_write_bytes", offsetof(struct attempt_result, io_write_bytes)},
        };

        if (!task->record.metadata)
                task->record.metadata = jval_object();
        for (size_t i = 0; i < ELEMENTSOF(measures); i++) {
                int64_t value;

                memcpy(&value, (const char *)result + measures[i].offset, sizeof(value));
                if (value >= 0)
                        jval_set_int(task->record.metadata, measures[i].name, value);
        }
        if (result->lines_dropped > 0)
                jval_set_int(task->record.metadata, "lines_dropped", (int64_t)result->lines_dropped);
        if (result->lines_dropped > 0) {
                if (!task->run->record.notes)
                        task->run->record.notes = jval_array();
                _cleanup_free_ char *note =
                        xasprintf("step %s: %" PRIu64 " lines of its output are missing: the log could not be written",
                                  task->record.step_name, result->lines_dropped);

                jval_add(task->run->record.notes, jval_string(note));
                run_mark(task->run);
        }
        if (result->drain_timed_out)
                jval_set_bool(task->record.metadata, "drain_timed_out", true);
}

static void record_end(struct task_run *task, const struct attempt_result *result, struct attempt_end *end) {
        struct attempt_record *record = &task->record;
        bool warned;

        record->exit_status = result->exit_status;
        record->signal_number = result->signal_number;
        if (result->started_at > 1) /* 1: it was begun, nobody knows when */
                record->started_at = result->started_at;
        record->completed_at = result->ended_at ? result->ended_at : now_realtime();
        /* When a lost one ended is not known, only when that was noticed. */
        record->duration_usec =
                result->started_at && result->ended_by != ENDED_BY_LOST ? (int64_t)result->duration : -1;
        record->processes_ended = (int64_t)result->processes_ended;
        task->run->processes_ended += (int64_t)result->processes_ended;
        record_measures(task, result);
        record->status = attempt_end_status(task_step(task), end, &record->reason, &warned);
        free(record->error_message);
        record->error_message = record->status == STEP_SUCCESS ? NULL
                                : result->ended_by == ENDED_BY_LOST && task->run->times_lost > 0
                                        ? xstrdup("the machine was restarted while it ran")
                                : end->verdict != REASON_NONE
                                        ? xstrdup(end->error_message)
                                        : attempt_message(task_step(task), result, task->status_text);
}

static double random_fraction(void) {
        uint32_t value = 0;

        (void)getrandom(&value, sizeof(value), GRND_NONBLOCK);
        return value / 4294967296.0;
}

static void log_end(const struct task_run *task) {
        struct log_context context = context_of(task);
        bool failed = task->record.status == STEP_FAILED;
        char span[TIMESPAN_SIZE];

        context.message_id = MESSAGE_ID_STEP_ENDED;
        log_at(failed ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, &context, "%s #%" PRId64 " %s ended: %s%s%s after %s",
               task->run->record.job, task->run->record.run_number, task->record.step_name,
               step_status_to_string(task->record.status), task->record.error_message ? ", " : "",
               str_or(task->record.error_message, ""),
               format_timespan(span, task->record.duration_usec < 0 ? 0 : (usec_t)task->record.duration_usec));
}

/* Decided by an earlier daemon and never begun: begun now, under a number and with a file of its own. The old file's
 * lock was free, so nobody has it or ever will. */
static void begin_anew(struct task_run *task) {
        _cleanup_free_ char *file = task_attempt_path(task);

        (void)unlink(file);
        task->adopted = false;
        task->record.number = task->run->engine->next_attempt_number++;
        task_mark(task);
        decisions_after_commit(task->run->engine, task_launch, task);
}

/* What a run that is not ready waits for: the last thing that its ReadyWhen= said. */
static void note_what_is_awaited(struct task_run *task) {
        struct run *run = task->run;
        const struct ring_line *line;
        const char *text = NULL;
        uint64_t sequence = run->ring->next_sequence;

        if (run->machine.tasks[task->index].kind != TASK_READY || task->record.status != STEP_FAILED)
                return;
        while ((line = ring_get(run->ring, --sequence, &text)) && line->task != task->index)
                ;
        free(run->record.error_message);
        run->record.error_message = line ? utf8_escape(text, line->len, AWAITED_MAX)
                                         : xstrdup(str_or(task->record.error_message, "it does not say"));
        run_mark(run);
}

/* A lister that ended well has found items, or what it said is no list of them. */
static char *take_items(struct task_run *task, struct attempt_end *end, struct effects *effects) {
        char *error = NULL;

        if (task->run->machine.tasks[task->index].kind == TASK_LISTER && end->outcome == OUTCOME_EXITED &&
            end->exit_status == 0 && !task_take_items(task, effects, &error))
                end->outcome = OUTCOME_ITEMS;
        return error;
}

static void settle(struct task_run *task, const struct attempt_result *result) {
        struct run *run = task->run;
        struct attempt_end end = {
                .outcome = outcome_of(result),
                .attempt = (unsigned)task->record.attempt,
                .exit_status = result->exit_status,
                .signal_number = result->signal_number,
                .error_class = (enum error_class)task->error_class,
                .had_warnings = task->had_warnings,
        };
        struct effects effects = {0};
        _cleanup_free_ char *error = NULL;

        if (gates_wait(task, result, &end, settle))
                return;
        gates_judge(task, &end);
        error = take_items(task, &end, &effects);
        limits_give_back(task);
        record_end(task, result, &end);
        if (error) {
                free(task->record.error_message);
                task->record.error_message = xstrdup(error);
        }
        note_what_is_awaited(task);
        nested_close(task);
        end.had_warnings = task->had_warnings;
        if (error)
                end.error_message = error;
        else if (end.verdict == REASON_NONE)
                end.error_message = task->status_text;
        log_end(task);
        task_mark(task);
        if (result->ended_by == ENDED_BY_RUN_TIMEOUT)
                run_cancel(run, REASON_TIMEOUT);
        (void)run_machine_attempt_ended(&run->machine, task->index, &end, random_fraction(), &effects);
        run->helper_error = step_name_is_helper(task->record.step_name) ? task->record.error_message : NULL;
        run_apply(run, &effects);
        run->helper_error = NULL;
        if (run->engine->stopping)
                engine_leave_unrecorded(run->engine);
}

static void attempt_ended(const struct attempt_result *result, void *user) {
        struct task_run *task = user;
        struct attempt_result stopped = *result;

        task->attempt = NULL;
        if (result->ended_by != ENDED_BY_LOST || result->started_at != 0 || !task->adopted) {
                settle(task, result);
        } else if (task->run->machine.cancelling) {
                stopped.ended_by = ENDED_BY_STOP;
                settle(task, &stopped);
        } else {
                begin_anew(task);
        }
}

const struct attempt_events attempt_events_of_engine = {
        .started = attempt_started,
        .lines = attempt_lines,
        .report = attempt_report,
        .ended = attempt_ended,
        .skipped = attempt_skipped,
};
