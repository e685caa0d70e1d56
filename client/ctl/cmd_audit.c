/* batchctl audit: who did what. */
#include <inttypes.h>
#include <stddef.h>

#include "ask.h"
#include "macro.h"
#include "params.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "verb.h"
#include "view.h"
#include "xalloc.h"

struct audit_options {
        const char *user;
        const char *method;
        const char *since;
        const char *until;
        int64_t count;
};

static const struct audit_options defaults = {.count = 50};

#define MEMBER(member) .offset = offsetof(struct audit_options, member)
static const struct option_row rows[] = {
        {.letter = 'u',
         .name = "user",
         .value = "NAME",
         .help = "Only what this user did, or was done on behalf of that name",
         .kind = OPTION_STRING,
         MEMBER(user)},
        {.letter = 'm',
         .name = "method",
         .value = "METHOD",
         .help = "Only calls of this method, such as run.cancel",
         .kind = OPTION_STRING,
         MEMBER(method)},
        {.letter = 'S',
         .name = "since",
         .value = "TIME",
         .help = "Only since then: 'yesterday', '-1h', '2026-09-22 14:00'",
         .kind = OPTION_STRING,
         MEMBER(since)},
        {.letter = 'U',
         .name = "until",
         .value = "TIME",
         .help = "Only before then",
         .kind = OPTION_STRING,
         MEMBER(until)},
        {.letter = 'n',
         .name = "count",
         .value = "N",
         .help = "The newest N (50 unless said)",
         .kind = OPTION_INTEGER,
         .minimum = 1,
         .maximum = 1000000,
         MEMBER(count)},
        {0},
};

static const struct table_column columns[] = {
        {.title = "AT"},
        {.title = "USER"},
        {.title = "UID", .right = true},
        {.title = "ON BEHALF OF", .optional = true},
        {.title = "DID"},
        {.title = "OUTCOME"},
        {.title = "RUN", .right = true, .optional = true},
        {.title = "JOB", .optional = true},
        {.title = "WITH", .flexible = true, .optional = true},
};

/* The parameters of a call but those that have a column, and what only programs use. */
static char *text_given(const struct jval *params) {
        static const char *const shown[] = {"job", "run", "request_id", "on_behalf"};
        _cleanup_jval_ struct jval *rest = jval_is_object(params) ? jval_deep_copy(params) : jval_object();
        for (size_t i = 0; i < ELEMENTSOF(shown); i++)
                jval_remove(rest, shown[i]);
        return text_members(rest);
}

static void add_entry(struct table *table, const struct context *context, const struct jval *entry) {
        char at[TEXT_SIZE];
        const char *outcome = str_or(jval_get_str(entry, "outcome"), "");
        const struct jval *params = jval_get(entry, "params");
        int64_t run = jval_get_int(entry, "run_number", 0);
        _cleanup_free_ char *given = text_given(params);
        table_add(table, STYLE_PLAIN, text_instant(at, entry, "at", context->global.utc));
        table_add(table, STYLE_BOLD, jval_get_str(entry, "user"));
        table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(entry, "uid", -1));
        table_add(table, STYLE_PLAIN, jval_get_str(entry, "on_behalf"));
        table_add(table, STYLE_PLAIN, jval_get_str(entry, "method"));
        table_add(table, streq(outcome, "ok") ? STYLE_PLAIN : STYLE_RED, outcome);
        if (run > 0)
                table_addf(table, STYLE_PLAIN, "%" PRIi64, run);
        else
                table_add(table, STYLE_PLAIN, NULL);
        table_add(table, STYLE_PLAIN, str_or(jval_get_str(entry, "job"), jval_get_str(params, "job")));
        table_add(table, STYLE_DIM, given && given[0] != '\0' ? given : NULL);
}

static int make_filter(const struct context *context, const struct audit_options *options, const char *run,
                       struct jval *filter) {
        if (run)
                jval_set_str(filter, "run", run);
        if (options->user)
                jval_set_str(filter, "user", options->user);
        if (options->method)
                jval_set_str(filter, "method", options->method);
        return params_set_period(context, filter, options->since, options->until);
}

static void view_entries(const struct context *context, const struct jval *entries, struct buf *out) {
        _cleanup_table_ struct table table;

        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(entries); i++)
                add_entry(&table, context, jval_at(entries, i));
        if (jval_array_size(entries) == 0)
                (void)buf_append_str(out, "nothing was done\n");
        else
                table_render(&table, &context->out, 0, out);
}

static int run_audit(const struct context *context, const void *opaque, char *const *arguments) {
        const struct audit_options *options = opaque;
        _cleanup_jval_ struct jval *filter = jval_object();
        int status = make_filter(context, options, arguments[0], filter);

        if (status != EXIT_DONE)
                return status;
        return ask_pages_and_show(context, METHOD_AUDIT_LIST, filter, "entries", options->count, view_entries);
}

const struct verb verb_audit = {
        .name = "audit",
        .arguments = "[RUN]",
        .max_arguments = 1,
        .summary = "Show who did what, newest first",
        .examples = "  batchctl audit 42\n"
                    "  batchctl audit --user alice --since yesterday\n"
                    "  batchctl audit --method run.cancel -n 5\n",
        .options = rows,
        .options_size = sizeof(struct audit_options),
        .defaults = &defaults,
        .run = run_audit,
};
