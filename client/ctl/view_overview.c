#include <inttypes.h>

#include "breaker_text.h"
#include "macro.h"
#include "progress.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "wait_text.h"
#include "xalloc.h"

void view_heading(const struct context *context, const char *text, struct buf *out) {
        (void)buf_appendf(out, "\n%s%s%s\n", term_begin(&context->out, STYLE_HEADING), text,
                          term_end(&context->out, STYLE_HEADING));
}

void view_diagnostics(const struct context *context, const struct jval *diagnostics, struct buf *out) {
        for (size_t i = 0; i < jval_array_size(diagnostics); i++) {
                const struct jval *d = jval_at(diagnostics, i);
                const char *file = jval_get_str(d, "file");
                int64_t line = jval_get_int(d, "line", 0);
                if (file)
                        (void)buf_appendf(out, "%s:", file);
                if (line > 0)
                        (void)buf_appendf(out, "%" PRIi64 ":", line);
                (void)buf_appendf(out, "%s%s\n", file ? " " : "", str_or(jval_get_str(d, "message"), "?"));
        }
}

/* "up", "down since 5min ago: connection refused", with what waits. */
static char *mirror_text(const struct jval *mirror) {
        const char *state = str_or(jval_get_str(mirror, "state"), "off"), *error = jval_get_str(mirror, "error");
        int64_t waiting = jval_get_int(mirror, "rows_waiting", 0), parked = jval_get_int(mirror, "parked", 0);
        char text[TEXT_SIZE];
        _cleanup_buf_ struct buf out = BUF_INIT(SCREEN_MAX);
        (void)buf_append_str(&out, state);
        if (streq(state, "off"))
                (void)buf_append_str(&out, " (no Database= is configured)");
        if (streq(state, "down") && get_instant(mirror, "since") != 0)
                (void)buf_appendf(&out, " since %s", text_ago(text, mirror, "since", now_realtime()));
        if (streq(state, "down") && error)
                (void)buf_appendf(&out, ": %s", error);
        if (waiting > 0)
                (void)buf_appendf(&out, ", %s waiting", text_count(text, waiting, "row"));
        if (waiting > 0 && get_instant(mirror, "oldest_waiting") != 0)
                (void)buf_appendf(
                        &out, " (the oldest for %s)",
                        text_duration(text, (double)(now_realtime() -
                                                     MIN(now_realtime(), get_instant(mirror, "oldest_waiting"))) /
                                                    (double)USEC_PER_SEC));
        if (parked > 0)
                (void)buf_appendf(&out, ", %s refused by the database", text_count(text, parked, "row"));
        return buf_steal(&out);
}

static void append_state(const struct context *context, const char *label, const struct jval *object, const char *text,
                         struct buf *out) {
        const char *state = jval_get_str(object, "state");
        append_labelled(out, &context->out, label, style_of_status(state), text);
}

/* Only what is not well is worth a line. */
static void append_trouble(const struct context *context, const char *label, const struct jval *object,
                           struct buf *out) {
        const char *state = jval_get_str(object, "state"), *error = jval_get_str(object, "error");
        if (!state || streq(state, "up"))
                return;
        _cleanup_free_ char *text = xasprintf("%s%s%s", state, error ? ": " : "", str_or(error, ""));
        append_state(context, label, object, text, out);
}

static void append_breakers(const struct context *context, const struct jval *breakers, struct buf *out) {
        for (size_t i = 0; i < jval_array_size(breakers); i++) {
                const struct jval *breaker = jval_at(breakers, i);
                _cleanup_free_ char *state = text_breaker(breaker, context->global.utc);
                _cleanup_free_ char *text = xasprintf("%s %s: %s", str_or(jval_get_str(breaker, "job"), "?"),
                                                      str_or(jval_get_str(breaker, "step"), "?"), state);
                append_labelled(out, &context->out, "breaker", STYLE_RED, text);
        }
}

/* "12.3 GB of 40.0 GB free (state, runs)"; with the files where it is they that run out. New string. */
static char *file_system_text(const struct jval *system) {
        const struct jval *holds = jval_get(system, "holds");
        int64_t inodes = jval_get_int(system, "free_inodes", 0), all = jval_get_int(system, "total_inodes", 0);
        const char *state = str_or(jval_get_str(system, "state"), "?"), *error = jval_get_str(system, "error");
        char left[TEXT_SIZE], total[TEXT_SIZE];
        _cleanup_buf_ struct buf out = BUF_INIT(SCREEN_MAX);

        if (!streq(state, "ok"))
                (void)buf_appendf(&out, "%s%s%s, ", state, error ? ": " : "", str_or(error, ""));
        if (jval_has(system, "free_bytes"))
                (void)buf_appendf(&out, "%s of %s free ", text_bytes(left, jval_get_int(system, "free_bytes", 0)),
                                  text_bytes(total, jval_get_int(system, "total_bytes", 0)));
        if (streq(state, "low") && inodes < all / 10)
                (void)buf_appendf(&out, "and %" PRIi64 " of %" PRIi64 " files ", inodes, all);
        for (size_t i = 0; i < jval_array_size(holds); i++)
                (void)buf_appendf(&out, "%s%s", i == 0 ? "(" : ", ", str_or(jval_str(jval_at(holds, i)), "?"));
        (void)buf_append_char(&out, ')');
        return buf_steal(&out);
}

static void append_file_systems(const struct context *context, const struct jval *systems, struct buf *out) {
        for (size_t i = 0; i < jval_array_size(systems); i++) {
                const char *state = str_or(jval_get_str(jval_at(systems, i), "state"), "?");
                _cleanup_free_ char *text = file_system_text(jval_at(systems, i));

                append_labelled(out, &context->out, "disk",
                                streq(state, "ok")    ? STYLE_PLAIN
                                : streq(state, "low") ? STYLE_RED
                                                      : STYLE_YELLOW,
                                text);
        }
}

static void append_daemon(const struct context *context, const struct jval *status, struct buf *out) {
        char uptime[TEXT_SIZE], jobs[TEXT_SIZE], watchers[TEXT_SIZE], memory[TEXT_SIZE];
        const struct jval *mirror = jval_get(status, "mirror"), *errors = jval_get(status, "job_errors");
        (void)buf_appendf(out, "%sbatchd %s%s on %s, up %s, %s, %s, %s\n", term_begin(&context->out, STYLE_BOLD),
                          str_or(jval_get_str(status, "version"), "?"), term_end(&context->out, STYLE_BOLD),
                          str_or(jval_get_str(status, "host"), "?"),
                          text_duration(uptime, (double)(int64_t)jval_get_real(status, "uptime_seconds", 0)),
                          text_count(jobs, jval_get_int(status, "jobs", 0), "job"),
                          text_count(watchers, jval_get_int(status, "watchers", 0), "watcher"),
                          text_bytes(memory, jval_get_int(status, "memory_bytes", 0)));
        _cleanup_free_ char *text = mirror_text(mirror);
        append_state(context, "database", mirror, text, out);
        append_file_systems(context, jval_get(status, "file_systems"), out);
        append_trouble(context, "record", jval_get(status, "store"), out);
        append_trouble(context, "runner", jval_get(status, "launcher"), out);
        if (jval_is_object(jval_get(status, "draining"))) {
                _cleanup_free_ char *held = text_held(jval_get(status, "draining"), context->global.utc);
                append_labelled(out, &context->out, "drained", STYLE_BOLD, held);
        }
        append_breakers(context, jval_get(status, "breakers"), out);
        if (jval_array_size(errors) == 0)
                return;
        _cleanup_buf_ struct buf lines = BUF_INIT(SCREEN_MAX);
        view_diagnostics(context, errors, &lines);
        append_labelled(out, &context->out, "job files", STYLE_RED, buf_data(&lines));
}

static bool is_queued(const struct jval *run) {
        return streq_null(jval_get_str(run, "status"), "queued");
}

static void append_running(const struct context *context, const struct jval *active, struct buf *out) {
        size_t running = 0;

        for (size_t i = 0; i < jval_array_size(active); i++)
                running += !is_queued(jval_at(active, i));
        view_heading(context, running > 0 ? "RUNNING" : "Nothing runs.", out);
        for (size_t i = 0; i < jval_array_size(active); i++) {
                _cleanup_progress_ struct progress progress = {0};
                if (is_queued(jval_at(active, i)))
                        continue;
                progress_take(&progress, jval_at(active, i), now_boottime());
                progress_append_line(&progress, &context->out, (size_t)MAX(context->out.columns, 60), now_boottime(),
                                     out);
                (void)buf_append_char(out, '\n');
        }
}

/* Runs that are queued, and what for. */
static void append_waiting(const struct context *context, const struct jval *active, struct buf *out) {
        static const struct table_column columns[] = {
                {.title = "#", .right = true},
                {.title = "JOB", .name = true},
                {.title = "ASKED FOR"},
                {.title = "WAITS", .flexible = true},
        };
        _cleanup_table_ struct table table;
        char ago[TEXT_SIZE];

        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(active); i++) {
                const struct jval *run = jval_at(active, i);
                if (!is_queued(run))
                        continue;
                _cleanup_free_ char *wait = text_wait(jval_get(run, "waits_for"), context->global.utc);
                table_addf(&table, STYLE_PLAIN, "%" PRIi64, jval_get_int(run, "run_number", 0));
                table_add(&table, STYLE_BOLD, jval_get_str(run, "job"));
                table_add(&table, STYLE_PLAIN, text_ago(ago, run, "created_at", now_realtime()));
                table_add(&table, STYLE_PLAIN, wait);
        }
        if (table.n_cells > 0) {
                view_heading(context, "WAITING", out);
                table_render(&table, &context->out, 0, out);
        }
}

void view_overview(const struct context *context, const struct jval *status, const struct jval *current,
                   const struct jval *recent, struct buf *out) {
        const struct jval *active = jval_get(current, "runs"), *runs = jval_get(recent, "runs");
        append_daemon(context, status, out);
        append_running(context, active, out);
        append_waiting(context, active, out);
        if (!recent) {
                (void)buf_append_str(out, "\nThe latest runs cannot be read while the disk does not answer.\n");
                return;
        }
        if (jval_array_size(runs) == 0) {
                (void)buf_append_str(
                        out, "\nNothing has run yet: 'batchctl list' shows the jobs, 'batchctl run JOB' starts one.\n");
                return;
        }
        view_heading(context, "LATEST RUNS", out);
        view_runs(context, runs, out);
}
