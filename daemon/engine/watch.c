/* Following a run: the ring is the queue, a watch is a cursor into it. What is older than the ring is read from disk
 * first; a watch that falls behind later is told how many lines it missed. */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backfill.h"
#include "cri.h"
#include "engine_internal.h"
#include "frame.h"
#include "macro.h"
#include "nested_steps.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

/* A notification is closed when it has grown to this; one line more never passes FRAME_MAX. */
#define NOTIFICATION_SIZE ((size_t)64 * 1024)
/* Lines asked from disk at once. */
#define PAGE_LINES 500
/* A watch this far behind the ring still gets every line. */
#define CATCH_UP_LINES 20000

/* Items in one run.state. */
#define CHANGES_SENT 100

struct run_watch {
        struct engine_watch base;
        struct run *run;
        struct run_watch *next;
        struct engine_watch_events events;
        void *user;
        uint64_t cursor; /* sequence number of the next line to send */
        uint64_t state_sent;
        struct jval *page; /* lines from disk, being sent */
        size_t page_index;
        bool state_known, lines_were_last, live, notified, reading, end_sent, freed, disk_failed;
};

static void notify(struct run_watch *watch) {
        if (watch->notified || watch->freed)
                return;
        watch->notified = true;
        watch->events.ready(watch->user);
}

void run_notify_watches(struct run *run) {
        struct run_watch *next;

        for (struct run_watch *watch = run->watches; watch; watch = next) {
                next = watch->next;
                notify(watch);
        }
}

void run_end_watches(struct run *run) {
        run->finished = true;
        run_notify_watches(run);
}

static void free_watch(struct run_watch *watch) {
        struct run *run = watch->run;

        if (watch->reading) {
                /* The reader thread's answer is on its way; it frees. */
                watch->freed = true;
                return;
        }
        for (struct run_watch **link = &run->watches; *link; link = &(*link)->next)
                if (*link == watch) {
                        *link = watch->next;
                        break;
                }
        run->engine->n_watches--;
        if (watch->page)
                jval_unref(watch->page);
        free(watch);
        if (run->finished && !run->watches)
                run_free(run);
}

static void page_read(int error, const char *error_text, struct jval *answer, void *user) {
        struct run_watch *watch = user;

        (void)error_text;
        watch->reading = false;
        if (watch->freed) {
                if (answer)
                        jval_unref(answer);
                free_watch(watch);
                return;
        }
        if (error == 0 && jval_array_size(jval_get(answer, "lines")) > 0) {
                watch->page = answer;
                watch->page_index = 0;
                watch->disk_failed = false;
        } else {
                /* Nothing there (removed, or unreadable): go on with the ring, which tells what is missing. */
                if (answer)
                        jval_unref(answer);
                watch->disk_failed = true;
        }
        notify(watch);
}

static size_t begin_lines(struct buf *out, const struct run *run, uint64_t skipped) {
        size_t mark = frame_begin(out);

        (void)buf_appendf(out,
                          "{\"jsonrpc\":\"2.0\",\"method\":\"run.lines\",\"params\":{\"run_id\":\"%s\",\"skipped\":%"
                          "llu,\"lines\":[",
                          run->record.run_id, (unsigned long long)skipped);
        return mark;
}

static int end_lines(struct buf *out, size_t mark) {
        int r = buf_append_str(out, "]}}");
        int ended = frame_end(out, mark);

        return r < 0 ? r : ended < 0 ? ended : 1;
}

static int send_page(struct run_watch *watch, struct buf *out) {
        const struct jval *lines = jval_get(watch->page, "lines");
        size_t start = out->len, mark = begin_lines(out, watch->run, 0), n = 0;

        for (; watch->page_index < jval_array_size(lines) && out->len - start < NOTIFICATION_SIZE; n++) {
                const struct jval *line = jval_at(lines, watch->page_index++);

                if (n > 0)
                        (void)buf_append_char(out, ',');
                (void)jval_append(line, out);
                watch->cursor = (uint64_t)jval_get_int(line, "seq", (int64_t)watch->cursor) + 1;
        }
        if (watch->page_index == jval_array_size(lines))
                watch->page = jval_unref(watch->page);
        return end_lines(out, mark);
}

static int append_ring_line(struct buf *out, const struct run *run, const struct ring_line *line, const char *text,
                            uint64_t sequence) {
        const struct run_machine *machine = &run->machine;
        struct cri_line cri = {
                .time_nsec = line->time_nsec,
                .is_stderr = line->is_stderr,
                .is_partial = line->is_partial,
                .text = text,
                .len = line->len,
        };
        int r = buf_append_char(out, '{');

        if (r == 0)
                r = cri_append_json(out, &cri, sequence, run_machine_step(machine, line->task)->name,
                                    machine->tasks[line->task].item);
        return r < 0 ? r : buf_append_char(out, '}');
}

static int send_ring(struct run_watch *watch, struct buf *out) {
        const struct run *run = watch->run;
        uint64_t first = ring_first_sequence(run->ring), skipped = watch->cursor < first ? first - watch->cursor : 0;
        size_t start = out->len, mark = begin_lines(out, run, skipped);
        const struct ring_line *line;
        const char *text;
        int r = 0;

        watch->cursor = MAX(watch->cursor, first);
        watch->lines_were_last = true;
        for (size_t n = 0; r == 0 && out->len - start < NOTIFICATION_SIZE; n++) {
                line = ring_get(run->ring, watch->cursor, &text);
                if (!line)
                        break;
                if (n > 0)
                        (void)buf_append_char(out, ',');
                r = append_ring_line(out, run, line, text, watch->cursor);
                watch->cursor++;
        }
        return end_lines(out, mark);
}

int watch_append_notification(struct buf *out, const char *method, struct jval *params) {
        _cleanup_jval_ struct jval *message = jval_object();
        size_t mark = frame_begin(out);
        int r;

        jval_set_str(message, "jsonrpc", "2.0");
        jval_set_str(message, "method", method);
        jval_set(message, "params", params);
        r = jval_append(message, out);
        if (r == 0)
                r = frame_end(out, mark);
        else
                (void)frame_end(out, mark);
        return r < 0 ? r : 1;
}

/* What a watching person wants to read of a step that has ended. */
static void set_outcome(struct jval *step, const struct attempt_record *record) {
        if (record->duration_usec >= 0)
                jval_set_real(step, "duration_seconds", (double)record->duration_usec / 1e6);
        if (record->records_processed >= 0)
                jval_set_int(step, "records_processed", record->records_processed);
        jval_set_str(step, "error_message", record->error_message);
}

static bool is_item(const struct task_run *task) {
        return task->record.item && task->record.item[0] && task->run->machine.tasks[task->index].kind == TASK_STEP;
}

static struct jval *step_state_json(const struct attempt_record *record, unsigned attempt) {
        struct jval *step = jval_object();

        jval_set_str(step, "step_name", record->step_name);
        jval_set_str(step, "item", record->item);
        jval_set_str(step, "status", step_status_to_string(record->status));
        jval_set_str(step, "reason", reason_to_string(record->reason));
        jval_set_int(step, "attempt", attempt);
        if (step_status_is_final(record->status))
                set_outcome(step, record);
        return step;
}

static void add_states(struct jval *steps, const struct run *run, size_t index) {
        const struct attempt_record *nested;

        jval_add(steps, step_state_json(&run->tasks[index]->record, run->machine.tasks[index].attempt));
        for (size_t k = 0; (nested = nested_at(run->tasks[index], k)); k++)
                jval_add(steps, step_state_json(nested, (unsigned)nested->attempt));
}

/* Every step, and of items those that changed since the last time, the latest of very many. What runs has changed since
 * the beginning, so a new watch gets it, too. */
static struct jval *changed_steps(const struct run *run, uint64_t since) {
        const struct task_run *task = run->newest_change;
        struct jval *steps = jval_array();
        size_t n = 0;

        for (size_t i = 0; i < run->plan.n_steps; i++) {
                uint32_t first = run->machine.steps[i].first;

                if (first != TASK_NONE && run->tasks[first] && run->tasks[first]->record.step_name &&
                    !run->machine.tasks[first].item[0])
                        add_states(steps, run, first);
        }
        while (task && task->older && task->changed_at > since && n < CHANGES_SENT)
                n += is_item(task), task = task->older;
        for (; task; task = task->newer)
                if (task->changed_at > since && is_item(task))
                        add_states(steps, run, task->index);
        return steps;
}

static int send_state(struct run_watch *watch, struct buf *out) {
        const struct run *run = watch->run;
        struct jval *params = run_identity_json(run), *items = run_items_json(run);
        struct jval *steps = changed_steps(run, watch->state_known ? watch->state_sent : 0);

        run_set_position(params, run);
        jval_set(params, "progress", run_progress_json(run));
        if (run->backfill)
                backfill_add_steps(run, steps);
        jval_set(params, "steps", steps);
        if (jval_array_size(items) > 0)
                jval_set(params, "items", items);
        else
                jval_unref(items);
        watch->state_sent = run->state_sequence;
        watch->state_known = true;
        watch->lines_were_last = false;
        return watch_append_notification(out, "run.state", params);
}

static int send_end(struct run_watch *watch, struct buf *out) {
        const struct run *run = watch->run;
        struct jval *params = run_identity_json(run);

        jval_set_str(params, "error_message", run->record.error_message);
        jval_set_int(params, "last_seq", (int64_t)(run->ring->next_sequence - 1));
        watch->end_sent = true;
        return watch_append_notification(out, "run.end", params);
}

static int read_page(struct run_watch *watch) {
        int r = history_run_lines(watch->run->engine->history, watch->run->record.run_id, watch->cursor - 1, 0,
                                  PAGE_LINES, page_read, watch);

        if (r < 0)
                return r;
        watch->reading = true;
        watch->notified = false;
        return -EINPROGRESS;
}

/* Whether what comes next for the watch is on disk: at its beginning always, later when a burst was longer than the
 * ring. From further behind it is told how many lines it missed: reading after a flood would never end. */
static bool wants_page(const struct run_watch *watch) {
        uint64_t first = ring_first_sequence(watch->run->ring);

        if (watch->cursor >= first || watch->disk_failed)
                return false;
        return !watch->live || first - watch->cursor <= CATCH_UP_LINES;
}

static int run_watch_read(struct engine_watch *base, struct buf *out) {
        struct run_watch *watch = (struct run_watch *)base;
        struct run *run = watch->run;
        bool has_lines, has_state;

        if (watch->end_sent)
                return -EPIPE;
        if (watch->page)
                return send_page(watch, out);
        if (watch->reading) {
                watch->notified = false; /* the page's arrival is to be told, whatever was told meanwhile */
                return -EINPROGRESS;
        }
        if (wants_page(watch)) {
                int r = read_page(watch);

                if (r == -EINPROGRESS)
                        return r;
        }
        watch->live = true;
        has_lines = watch->cursor < run->ring->next_sequence;
        has_state = !watch->state_known || watch->state_sent != run->state_sequence;
        /* Lines before the state that they led to, but a step that prints without end does not hide the others' states.
         */
        if (has_state && (!has_lines || watch->lines_were_last || !watch->state_known))
                return send_state(watch, out);
        if (has_lines)
                return send_ring(watch, out);
        if (run->finished)
                return send_end(watch, out);
        watch->notified = false;
        return 0;
}

static void run_watch_free(struct engine_watch *base) {
        free_watch((struct run_watch *)base);
}

static const struct engine_watch_type run_watch_type = {.read = run_watch_read, .free = run_watch_free};

struct engine_watch *watch_new(struct run *run, uint64_t cursor, const struct engine_watch_events *events, void *user) {
        struct run_watch *watch = NEW(struct run_watch);

        *watch = (struct run_watch){
                .base = {&run_watch_type}, .run = run, .events = *events, .user = user, .cursor = cursor};
        watch->next = run->watches;
        run->watches = watch;
        run->engine->n_watches++;
        return &watch->base;
}

int engine_watch_read(struct engine_watch *watch, struct buf *out) {
        return watch->type->read(watch, out);
}

struct engine_watch *engine_watch_free(struct engine_watch *watch) {
        watch->type->free(watch);
        return NULL;
}
