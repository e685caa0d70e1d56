/* batchctl limits: named resources, who holds their slots and who waits. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "verb.h"
#include "view.h"

static const struct table_column limit_columns[] = {
        {.title = "LIMIT", .name = true},
        {.title = "SLOTS", .right = true},
        {.title = "USED", .right = true},
        {.title = "WAITING", .right = true},
};

static const struct table_column owner_columns[] = {
        {.title = "LIMIT", .name = true},
        {.title = "RUN", .right = true},
        {.title = "JOB", .name = true},
        {.title = "STEP", .name = true},
        {.title = "ITEM", .name = true},
        {.title = "SLOTS", .right = true},
        {.title = "SINCE"},
        {.title = "FOR", .right = true},
        {.title = "PRIORITY", .right = true, .optional = true},
};

static void add_owner(const struct context *context, struct table *table, const char *limit, const struct jval *owner) {
        char text[TEXT_SIZE];
        usec_t since = get_instant(owner, "since"), now = now_realtime();
        const char *item = jval_get_str(owner, "item");

        table_add(table, STYLE_PLAIN, limit);
        table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(owner, "run_number", 0));
        table_add(table, STYLE_BOLD, jval_get_str(owner, "job"));
        table_add(table, STYLE_PLAIN, str_or(jval_get_str(owner, "step"), "(the run)"));
        table_add(table, STYLE_PLAIN, item && item[0] != '\0' ? item : NULL);
        table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(owner, "slots", 1));
        table_add(table, STYLE_PLAIN, text_instant(text, owner, "since", context->global.utc));
        table_add(table, STYLE_PLAIN, text_duration(text, since < now ? (double)(now - since) / 1e6 : 0));
        if (jval_get_int(owner, "priority", 0) != 0)
                table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(owner, "priority", 0));
        else
                table_add(table, STYLE_PLAIN, NULL);
}

/* member: "holders" or "waiters". */
static void append_owners(const struct context *context, const struct jval *limits, const char *member,
                          const char *heading, struct buf *out) {
        _cleanup_table_ struct table table;
        _cleanup_buf_ struct buf total = BUF_INIT(64);
        int64_t left_out = 0;

        (void)buf_appendf(&total, "%s_total", member);
        table_init(&table, owner_columns, ELEMENTSOF(owner_columns));
        for (size_t i = 0; i < jval_array_size(limits); i++) {
                const struct jval *limit = jval_at(limits, i), *owners = jval_get(limit, member);

                for (size_t k = 0; k < jval_array_size(owners); k++)
                        add_owner(context, &table, jval_get_str(limit, "limit"), jval_at(owners, k));
                left_out += jval_get_int(limit, buf_data(&total), 0) - (int64_t)jval_array_size(owners);
        }
        if (table.n_cells == 0)
                return;
        view_heading(context, heading, out);
        table_render(&table, &context->out, 0, out);
        if (left_out > 0)
                (void)buf_appendf(out, "and %" PRIi64 " more\n", left_out);
}

static void view_limits(const struct context *context, const struct jval *result, struct buf *out) {
        const struct jval *limits = jval_get(result, "limits");

        if (jval_array_size(limits) == 0) {
                (void)buf_append_str(out, "No limits: [Limit NAME] with Slots= in batchd.conf makes one.\n");
                return;
        }
        _cleanup_table_ struct table table;
        table_init(&table, limit_columns, ELEMENTSOF(limit_columns));
        for (size_t i = 0; i < jval_array_size(limits); i++) {
                const struct jval *limit = jval_at(limits, i);
                int64_t slots = jval_get_int(limit, "slots", 0), used = jval_get_int(limit, "used", 0);

                table_add(&table, STYLE_BOLD, jval_get_str(limit, "limit"));
                table_addf(&table, STYLE_PLAIN, "%" PRIi64, slots);
                table_addf(&table, used >= slots ? STYLE_YELLOW : STYLE_PLAIN, "%" PRIi64, used);
                table_addf(&table, STYLE_PLAIN, "%" PRIi64, jval_get_int(limit, "waiters_total", 0));
        }
        table_render(&table, &context->out, 0, out);
        append_owners(context, limits, "holders", "HELD BY", out);
        append_owners(context, limits, "waiters", "WAITING", out);
}

static int run_limits(const struct context *context, const void *options, char *const *arguments) {
        return ask_and_show(context, METHOD_LIMIT_LIST, NULL, view_limits);
}

const struct verb verb_limits = {
        .name = "limits",
        .arguments = "",
        .summary = "Show the limits: their slots, who holds some, who waits",
        .examples = "  batchctl limits\n",
        .run = run_limits,
};
