/* What is different between two runs of a job. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "why_record.h"
#include "xalloc.h"

#define LINES_SHOWN 10
#define STEPS_SHOWN 10
/* A number is worth telling when it has doubled or halved; a duration when that makes at least a second. */
#define NOTABLE_FACTOR 2
#define NOTABLE_SECONDS 1.0

static struct jval *add_change(struct jval *changes, const char *kind, char *text) {
        struct jval *change = jval_object();

        jval_set_str(change, "kind", kind);
        jval_set_str(change, "text", text);
        jval_add(changes, change);
        free(text);
        return change;
}

/* The lines of a job's files that say something, each behind its section: "[Step odds] TimeoutSec=5". */
struct lines {
        char **items;
        size_t count, capacity;
};

static void lines_done(struct lines *lines) {
        for (size_t i = 0; i < lines->count; i++)
                free(lines->items[i]);
        free(lines->items);
}

static void take_line(struct lines *lines, char **section, const char *line, size_t len) {
        while (len > 0 && (line[0] == ' ' || line[0] == '\t')) {
                line++;
                len--;
        }
        if (len == 0 || line[0] == '#' || line[0] == ';')
                return;
        if (line[0] == '[') {
                free(*section);
                *section = xstrndup(line, len);
        }
        GROW(lines->items, lines->count, lines->capacity);
        lines->items[lines->count++] =
                line[0] == '[' ? xstrndup(line, len) : xasprintf("%s %.*s", *section, (int)len, line);
}

/* A line with those that continue it (a backslash at the end), as one. */
static char *next_line(const char **text) {
        struct buf line = BUF_INIT(SIZE_MAX / 4);

        for (bool more = true; more && **text;) {
                size_t len = strcspn(*text, "\n");

                more = len > 0 && (*text)[len - 1] == '\\';
                (void)buf_appendf(&line, "%.*s%s", (int)(len - more), *text, more ? " " : "");
                *text += len + ((*text)[len] == '\n');
        }
        return buf_steal(&line);
}

static void take_lines(struct lines *lines, const char *sources) {
        _cleanup_jval_ struct jval *files = NULL;

        if (jval_parse(sources, strlen(sources), &files, NULL) < 0)
                return;
        for (size_t i = 0; i < jval_array_size(files); i++) {
                const char *text = str_or(jval_get_str(jval_at(files, i), "text"), "");
                _cleanup_free_ char *section = xstrdup("");

                while (*text) {
                        _cleanup_free_ char *line = next_line(&text);

                        take_line(lines, &section, line, strlen(line));
                }
        }
}

static bool has_line(const struct lines *lines, const char *line) {
        for (size_t i = 0; i < lines->count; i++)
                if (streq(lines->items[i], line))
                        return true;
        return false;
}

/* Values of the environment may be secrets, and job.show keeps them to itself too. */
static struct jval *shown_line(const char *line) {
        const char *environment = strstr(line, "Environment=");

        if (!environment)
                return jval_string(line);
        return jval_stringn(line, (size_t)(environment - line) + strlen("Environment="));
}

static struct jval *lines_only_in(const struct lines *a, const struct lines *b) {
        struct jval *only = jval_array();

        for (size_t i = 0; i < a->count && jval_array_size(only) < LINES_SHOWN; i++)
                if (!has_line(b, a->items[i]))
                        jval_add(only, shown_line(a->items[i]));
        return only;
}

static void compare_definitions(struct jval *changes, const struct why_run *now, const struct why_run *then) {
        _cleanup_(lines_done) struct lines before = {0}, after = {0};
        struct jval *change;

        if (streq_null(now->record->definition_hash, then->record->definition_hash))
                return;
        change = add_change(changes, "definition", xstrdup("the definition of the job was changed"));
        if (!now->sources || !then->sources)
                return;
        take_lines(&before, then->sources);
        take_lines(&after, now->sources);
        jval_set(change, "removed", lines_only_in(&before, &after));
        jval_set(change, "added", lines_only_in(&after, &before));
}

static char *value_text(const struct jval *value) {
        if (!value || jval_type_of(value) == JVAL_NULL)
                return xstrdup("open");
        return jval_is_string(value) ? xstrdup(jval_str(value)) : jval_dump(value);
}

static void compare_parameter(struct jval *changes, const char *name, const struct jval *before,
                              const struct jval *after) {
        _cleanup_free_ char *was = value_text(before), *is = value_text(after);
        struct jval *change;

        if (streq(was, is))
                return;
        change = add_change(changes, "parameter", xasprintf("parameter %s is %s, it was %s", name, is, was));
        jval_set_str(change, "parameter", name);
        jval_set(change, "before", before ? jval_deep_copy(before) : jval_null());
        jval_set(change, "now", after ? jval_deep_copy(after) : jval_null());
}

static void compare_parameters(struct jval *changes, const struct jval *before, const struct jval *after) {
        for (void *i = after ? jval_iter(after) : NULL; i; i = jval_iter_next(after, i))
                compare_parameter(changes, jval_iter_key(i), jval_get(before, jval_iter_key(i)), jval_iter_value(i));
        for (void *i = before ? jval_iter(before) : NULL; i; i = jval_iter_next(before, i))
                if (!jval_has(after, jval_iter_key(i)))
                        compare_parameter(changes, jval_iter_key(i), jval_iter_value(i), NULL);
}

static void compare_daemons(struct jval *changes, const struct run_record *now, const struct run_record *then) {
        const char *is = jval_get_str(now->options, "daemon_version"),
                   *was = jval_get_str(then->options, "daemon_version");
        struct jval *change;

        if (!is || !was || streq(is, was))
                return;
        change = add_change(changes, "daemon", xasprintf("the daemon is version %s, it was %s", is, was));
        jval_set_str(change, "before", was);
        jval_set_str(change, "now", is);
}

static bool is_notable(double now, double then) {
        return now > then * NOTABLE_FACTOR || then > now * NOTABLE_FACTOR;
}

static const char *span_text(char buf[static TIMESPAN_SIZE], double seconds) {
        usec_t span = (usec_t)(seconds * (double)USEC_PER_SEC);

        return format_timespan(buf, span - span % (10 * USEC_PER_MSEC));
}

static void compare_durations(struct jval *changes, const struct step_rollup *now, const struct step_rollup *then) {
        double is = step_rollup_seconds(now), was = step_rollup_seconds(then);
        char is_text[TIMESPAN_SIZE], was_text[TIMESPAN_SIZE];
        struct jval *change;

        if (is < 0 || was < 0 || !is_notable(is, was) || (is - was < NOTABLE_SECONDS && was - is < NOTABLE_SECONDS))
                return;
        change = add_change(changes, "duration",
                            xasprintf("step %s took %s, it took %s", now->step_name, span_text(is_text, is),
                                      span_text(was_text, was)));
        jval_set_str(change, "step_name", now->step_name);
        jval_set_real(change, "before", was);
        jval_set_real(change, "now", is);
}

static void compare_records(struct jval *changes, const struct step_rollup *now, const struct step_rollup *then) {
        int64_t is = now->records_processed, was = then->records_processed;
        struct jval *change;

        if (is < 0 || was < 0 || !is_notable((double)is, (double)was))
                return;
        change = add_change(
                changes, "records",
                xasprintf("step %s processed %" PRId64 " records, it processed %" PRId64, now->step_name, is, was));
        jval_set_str(change, "step_name", now->step_name);
        jval_set_int(change, "before", was);
        jval_set_int(change, "now", is);
}

static const struct step_rollup *find_step(const struct rollup *rollup, const char *name) {
        for (size_t i = 0; i < rollup->n_steps; i++)
                if (streq(rollup->steps[i].step_name, name))
                        return &rollup->steps[i];
        return NULL;
}

struct jval *why_changes(const struct why_run *now, const struct why_run *then) {
        struct jval *changes = jval_array();
        size_t told;

        compare_definitions(changes, now, then);
        compare_parameters(changes, then->record->parameters, now->record->parameters);
        compare_daemons(changes, now->record, then->record);
        told = jval_array_size(changes);
        for (size_t i = 0; i < now->rollup->n_steps && jval_array_size(changes) < told + STEPS_SHOWN; i++) {
                const struct step_rollup *step = &now->rollup->steps[i],
                                         *before = find_step(then->rollup, step->step_name);

                if (!before)
                        continue;
                compare_durations(changes, step, before);
                compare_records(changes, step, before);
        }
        return changes;
}
