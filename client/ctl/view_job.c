#include <inttypes.h>
#include <stdio.h>

#include "breaker_text.h"
#include "gates_text.h"
#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "view_rules.h"
#include "xalloc.h"

static const struct table_column job_columns[] = {
        {.title = "JOB", .name = true},
        {.title = "LAST RUN", .right = true, .optional = true},
        {.title = "STATUS", .flexible = true},
        {.title = "STARTED", .optional = true},
        {.title = "DURATION", .right = true, .optional = true},
        {.title = "NEXT"},
        {.title = "DESCRIPTION", .flexible = true},
};

static void add_job(struct table *table, const struct context *context, const struct jval *job) {
        char text[TEXT_SIZE];
        const struct jval *last = jval_get(job, "last_run");
        bool has_run = jval_is_object(last);
        _cleanup_free_ char *status = has_run ? text_status(last) : NULL;
        table_add(table, STYLE_BOLD, jval_get_str(job, "job"));
        if (has_run)
                table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(last, "run_number", 0));
        else
                table_add(table, STYLE_PLAIN, NULL);
        table_add(table, style_of_status(jval_get_str(last, "status")), has_run ? status : "never ran");
        table_add(table, STYLE_PLAIN, has_run ? text_instant(text, last, "started_at", context->global.utc) : NULL);
        table_add(table, STYLE_PLAIN,
                  has_run ? text_duration(text, jval_get_real(last, "duration_seconds", -1)) : NULL);
        bool paused = jval_is_object(jval_get(job, "paused"));
        table_add(table, paused ? STYLE_BOLD : STYLE_PLAIN,
                  paused ? "paused" : text_instant(text, job, "next_elapse", context->global.utc));
        const char *broken = jval_get_str(job, "broken");
        table_add(table, broken ? STYLE_RED : STYLE_PLAIN,
                  broken ? broken : str_or(jval_get_str(job, "description"), ""));
}

void view_jobs(const struct context *context, const struct jval *result, struct buf *out) {
        const struct jval *jobs = jval_get(result, "jobs");
        if (jval_array_size(jobs) == 0) {
                (void)buf_append_str(out,
                                     "There are no jobs: put one into /etc/batchd/jobs.d, then 'batchctl reload'.\n");
                return;
        }
        _cleanup_table_ struct table table;
        table_init(&table, job_columns, ELEMENTSOF(job_columns));
        for (size_t i = 0; i < jval_array_size(jobs); i++)
                add_job(&table, context, jval_at(jobs, i));
        table_render(&table, &context->out, 0, out);
}

/* "a b c" */
static char *join(const struct jval *strings) {
        _cleanup_buf_ struct buf out = BUF_INIT(SCREEN_MAX);
        for (size_t i = 0; i < jval_array_size(strings); i++)
                (void)buf_appendf(&out, "%s%s", i > 0 ? " " : "", str_or(jval_str(jval_at(strings, i)), "?"));
        return buf_steal(&out);
}

/* "integer 1..18", "one of a b c", "string like ^[a-z]+$" */
static char *takes_text(const struct jval *parameter) {
        const char *type = str_or(jval_get_str(parameter, "type"), "string"),
                   *pattern = jval_get_str(parameter, "pattern");
        const struct jval *minimum = jval_get(parameter, "minimum"), *maximum = jval_get(parameter, "maximum");
        _cleanup_buf_ struct buf out = BUF_INIT(SCREEN_MAX);
        bool below = jval_type_of(minimum) == JVAL_INTEGER, above = jval_type_of(maximum) == JVAL_INTEGER;
        if (jval_array_size(jval_get(parameter, "values")) > 0) {
                _cleanup_free_ char *values = join(jval_get(parameter, "values"));
                (void)buf_appendf(&out, "one of %s", values);
        } else {
                (void)buf_append_str(&out, type);
        }
        if (below && above)
                (void)buf_appendf(&out, " %" PRIi64 "..%" PRIi64, jval_int(minimum, 0), jval_int(maximum, 0));
        else if (below || above)
                (void)buf_appendf(&out, " %s %" PRIi64, below ? "from" : "up to",
                                  jval_int(below ? minimum : maximum, 0));
        if (pattern)
                (void)buf_appendf(&out, " like %s", pattern);
        return buf_steal(&out);
}

static void append_parameters(const struct context *context, const struct jval *parameters, struct buf *out) {
        static const struct table_column columns[] = {{.title = "PARAMETER", .name = true},
                                                      {.title = "TAKES", .flexible = true},
                                                      {.title = "DEFAULT"},
                                                      {.title = "DESCRIPTION", .flexible = true}};
        if (jval_array_size(parameters) == 0)
                return;
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(parameters); i++) {
                const struct jval *p = jval_at(parameters, i);
                _cleanup_free_ char *takes = takes_text(p);
                const char *otherwise = jval_get_str(p, "default");
                table_add(&table, STYLE_BOLD, jval_get_str(p, "name"));
                table_add(&table, STYLE_PLAIN, takes);
                table_add(&table, STYLE_PLAIN,
                          otherwise                             ? otherwise
                          : jval_get_bool(p, "required", false) ? "required"
                                                                : NULL);
                table_add(&table, STYLE_PLAIN, str_or(jval_get_str(p, "description"), ""));
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
}

static void append_modes(const struct context *context, const struct jval *job, struct buf *out) {
        static const struct table_column columns[] = {{.title = "MODE", .name = true},
                                                      {.title = "STEPS", .flexible = true},
                                                      {.title = "DESCRIPTION", .flexible = true}};
        const struct jval *modes = jval_get(job, "modes");
        const char *otherwise = jval_get_str(job, "default_mode");
        if (jval_array_size(modes) == 0)
                return;
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(modes); i++) {
                const struct jval *mode = jval_at(modes, i);
                const char *name = jval_get_str(mode, "name");
                _cleanup_free_ char *steps = join(jval_get(mode, "steps"));
                table_addf(&table, STYLE_BOLD, "%s%s", str_or(name, "?"),
                           streq_null(name, otherwise) ? " (default)" : "");
                table_add(&table, STYLE_PLAIN, steps);
                table_add(&table, STYLE_PLAIN, str_or(jval_get_str(mode, "description"), ""));
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
}

/* "3 from 5s": how often it is tried again, and after what first delay. */
static void add_retries(struct table *table, const struct jval *step) {
        char delay[TEXT_SIZE];
        int64_t retries = jval_get_int(step, "retries", 0);
        if (retries > 0)
                table_addf(table, STYLE_PLAIN, "%" PRIi64 " from %s", retries,
                           text_duration(delay, jval_get_real(step, "retry_delay_seconds", 0)));
        else
                table_add(table, STYLE_PLAIN, NULL);
}

static void append_steps(const struct context *context, const struct jval *steps, struct buf *out) {
        static const struct table_column columns[] = {{.title = "STEP", .name = true},
                                                      {.title = "AFTER", .flexible = true, .optional = true},
                                                      {.title = "TIMEOUT", .right = true},
                                                      {.title = "RETRIES", .optional = true},
                                                      {.title = "GATES", .flexible = true, .optional = true},
                                                      {.title = "COMMAND", .flexible = true},
                                                      {.title = "RULES", .flexible = true, .optional = true},
                                                      {.title = "DESCRIPTION", .flexible = true}};
        char text[TEXT_SIZE];
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(steps); i++) {
                const struct jval *step = jval_at(steps, i), *after = jval_get(step, "after");
                _cleanup_free_ char *names = join(after), *command = join(jval_get(step, "exec"));
                _cleanup_free_ char *gates = text_gates(step);
                _cleanup_free_ char *rules = step_rules(step);
                table_addf(&table, STYLE_BOLD, "%s%s", str_or(jval_get_str(step, "name"), "?"),
                           jval_get_bool(step, "critical", true) ? "" : " (not critical)");
                table_add(&table, STYLE_PLAIN, jval_array_size(after) > 0 ? names : NULL);
                table_add(&table, STYLE_PLAIN, text_duration(text, jval_get_real(step, "timeout_seconds", -1)));
                add_retries(&table, step);
                table_add(&table, STYLE_PLAIN, gates);
                table_add(&table, STYLE_PLAIN, command);
                table_add(&table, STYLE_PLAIN, rules);
                table_add(&table, STYLE_PLAIN, str_or(jval_get_str(step, "description"), ""));
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
}

static void append_last_run(const struct context *context, const struct jval *job, struct buf *out) {
        const struct jval *last = jval_get(job, "last_run");
        char instant[TEXT_SIZE];
        if (!jval_is_object(last)) {
                append_labelled(out, &context->out, "last run", STYLE_DIM, "never ran");
                return;
        }
        _cleanup_free_ char *status = text_status(last);
        _cleanup_free_ char *text = xasprintf("#%" PRIi64 " %s, %s", jval_get_int(last, "run_number", 0), status,
                                              text_instant(instant, last, "started_at", context->global.utc));
        append_labelled(out, &context->out, "last run", style_of_status(jval_get_str(last, "status")), text);
}

/* "by alice since 2026-11-22 13:00:00, until ...: reason" */
char *text_held(const struct jval *held, bool utc) {
        char since[TEXT_SIZE], until[TEXT_SIZE];
        const char *reason = jval_get_str(held, "reason");
        bool ends = get_instant(held, "until") != 0;
        return xasprintf("by %s since %s%s%s%s%s", str_or(jval_get_str(held, "by"), "?"),
                         text_instant(since, held, "since", utc), ends ? ", until " : "",
                         ends ? text_instant(until, held, "until", utc) : "", reason ? ": " : "", str_or(reason, ""));
}

static void append_schedule(const struct context *context, const struct jval *job, struct buf *out) {
        const struct term *term = &context->out;
        const struct jval *calendars = jval_get(job, "on_calendar"), *paused = jval_get(job, "paused");
        const char *zone = jval_get_str(job, "time_zone");
        char text[TEXT_SIZE];
        for (size_t i = 0; i < jval_array_size(calendars); i++) {
                _cleanup_free_ char *line = xasprintf("%s%s%s", str_or(jval_str(jval_at(calendars, i)), "?"),
                                                      zone ? " " : "", str_or(zone, ""));
                append_labelled(out, term, "schedule", STYLE_PLAIN, line);
        }
        if (jval_array_size(calendars) > 0)
                append_labelled(out, term, "next due", STYLE_PLAIN,
                                text_instant(text, job, "next_elapse", context->global.utc));
        if (jval_is_object(paused)) {
                _cleanup_free_ char *held = text_held(paused, context->global.utc);
                append_labelled(out, term, "paused", STYLE_BOLD, held);
        }
}

static void append_breakers(const struct context *context, const struct jval *steps, struct buf *out) {
        for (size_t i = 0; i < jval_array_size(steps); i++) {
                const struct jval *step = jval_at(steps, i), *breaker = jval_get(step, "breaker");
                if (!jval_is_object(breaker))
                        continue;
                bool is_closed = streq_null(jval_get_str(breaker, "state"), "closed");
                _cleanup_free_ char *state = text_breaker(breaker, context->global.utc);
                _cleanup_free_ char *text = xasprintf("%s: %s", str_or(jval_get_str(step, "name"), "?"), state);
                append_labelled(out, &context->out, "breaker", is_closed ? STYLE_PLAIN : STYLE_RED, text);
        }
}

void view_job(const struct context *context, const struct jval *job, struct buf *out) {
        const struct term *term = &context->out;
        char text[TEXT_SIZE];
        double timeout = jval_get_real(job, "run_timeout_seconds", -1);
        const char *type = jval_get_str(job, "batch_type");
        (void)buf_appendf(out, "%s%s%s  %s\n", term_begin(term, STYLE_BOLD), str_or(jval_get_str(job, "job"), "?"),
                          term_end(term, STYLE_BOLD), str_or(jval_get_str(job, "description"), ""));
        append_labelled(out, term, "file", STYLE_PLAIN, str_or(jval_get_str(job, "path"), "-"));
        if (type && !streq_null(type, jval_get_str(job, "job")))
                append_labelled(out, term, "type", STYLE_PLAIN, type);
        _cleanup_free_ char *after = join(jval_get(job, "after_jobs"));
        if (after[0] != '\0')
                append_labelled(out, term, "after jobs", STYLE_PLAIN, after);
        append_labelled(out, term, "overlap", STYLE_PLAIN, str_or(jval_get_str(job, "overlap"), "-"));
        if (jval_get_int(job, "priority", 0) != 0) {
                (void)snprintf(text, sizeof(text), "%" PRIi64, jval_get_int(job, "priority", 0));
                append_labelled(out, term, "priority", STYLE_PLAIN, text);
        }
        if (timeout >= 0)
                append_labelled(out, term, "time limit", STYLE_PLAIN, text_duration(text, timeout));
        append_schedule(context, job, out);
        append_job_rules(context, job, out);
        append_last_run(context, job, out);
        append_breakers(context, jval_get(job, "steps"), out);
        if (jval_get_str(job, "broken"))
                append_labelled(out, term, "mend", STYLE_RED, jval_get_str(job, "broken"));
        append_parameters(context, jval_get(job, "parameters"), out);
        append_modes(context, job, out);
        append_steps(context, jval_get(job, "steps"), out);
}
