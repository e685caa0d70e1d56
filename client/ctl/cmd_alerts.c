/* batchctl alerts: whom alerts tell, how that went, and what waits. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "macro.h"
#include "session.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "verb.h"

/* "failure partial ..." of an array of words. */
static void join_words(const struct jval *words, struct buf *out) {
        for (size_t i = 0; i < jval_array_size(words); i++)
                (void)buf_appendf(out, "%s%s", i > 0 ? " " : "", str_or(jval_str(jval_at(words, i)), ""));
}

static void add_count(struct table *table, const struct jval *alert, const char *key, enum style style) {
        int64_t count = jval_get_int(alert, key, 0);
        char text[TEXT_SIZE];

        (void)snprintf(text, sizeof(text), "%" PRIi64, count);
        table_add(table, count > 0 ? style : STYLE_PLAIN, text);
}

static void add_alert(struct table *table, const struct context *context, const struct jval *alert) {
        _cleanup_buf_ struct buf on = BUF_INIT(SCREEN_MAX);
        char text[TEXT_SIZE];

        join_words(jval_get(alert, "on"), &on);
        table_add(table, STYLE_BOLD, jval_get_str(alert, "alert"));
        table_add(table, STYLE_PLAIN, jval_get_str(alert, "kind"));
        table_add(table, STYLE_PLAIN, jval_get_str(alert, "to"));
        add_count(table, alert, "sent", STYLE_PLAIN);
        add_count(table, alert, "failed", STYLE_RED);
        table_add(table, STYLE_PLAIN, text_instant(text, alert, "last_sent_at", context->global.utc));
        table_add(table, STYLE_RED, jval_get_str(alert, "last_error"));
        table_add(table, STYLE_PLAIN, buf_data(&on));
}

static void view_alerts(const struct context *context, const struct jval *result, struct buf *out) {
        static const struct table_column columns[] = {{.title = "ALERT", .name = true},
                                                      {.title = "KIND"},
                                                      {.title = "TO"},
                                                      {.title = "SENT", .right = true},
                                                      {.title = "FAILED", .right = true},
                                                      {.title = "LAST SENT"},
                                                      {.title = "LAST ERROR", .flexible = true, .optional = true},
                                                      {.title = "ON", .optional = true}};
        const struct jval *list = jval_get(result, "alerts");

        if (!jval_get_bool(result, "enabled", true))
                (void)buf_append_str(out, "Alerts are switched off (Alerts=no in batchd.conf): nobody is told.\n");
        if (jval_array_size(list) == 0) {
                (void)buf_append_str(out, "Nobody is told of anything: write an [Alert NAME] into batchd.conf, see "
                                          "batchd.conf(5).\n");
                return;
        }
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(list); i++)
                add_alert(&table, context, jval_at(list, i));
        table_render(&table, &context->out, 0, out);
}

static void view_waiting(const struct context *context, const struct jval *result, struct buf *out) {
        static const struct table_column columns[] = {
                {.title = "ALERT", .name = true},     {.title = "SINCE"},
                {.title = "ATTEMPTS", .right = true}, {.title = "NEXT"},
                {.title = "ERROR", .optional = true}, {.title = "MESSAGE", .flexible = true}};
        const struct jval *list = jval_get(result, "waiting");
        char text[TEXT_SIZE];

        if (jval_array_size(list) == 0)
                return;
        (void)buf_appendf(out, "\nWaiting to be delivered: %zu\n", jval_array_size(list));
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(list); i++) {
                const struct jval *message = jval_at(list, i);

                table_add(&table, STYLE_BOLD, jval_get_str(message, "alert"));
                table_add(&table, STYLE_PLAIN, text_instant(text, message, "created_at", context->global.utc));
                add_count(&table, message, "attempts", STYLE_PLAIN);
                table_add(&table, STYLE_PLAIN, text_instant(text, message, "next_attempt_at", context->global.utc));
                table_add(&table, STYLE_RED, jval_get_str(message, "error"));
                table_add(&table, STYLE_PLAIN, jval_get_str(message, "text"));
        }
        table_render(&table, &context->out, 0, out);
}

struct alerts_options {
        const char *test;
};

static const struct option_row rows[] = {
        {.name = "test",
         .value = "NAME",
         .help = "Send a message that says that it is a test",
         .kind = OPTION_STRING,
         .offset = offsetof(struct alerts_options, test)},
        {0},
};

static int send_test(const struct context *context, const char *name) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        int status = session_open(&session, context);

        jval_set_str(params, "alert", name);
        if (status == EXIT_DONE)
                status = session_call(&session, METHOD_ALERT_TEST, STEAL_PTR(params), &result);
        if (status != EXIT_DONE)
                return status;
        if (context_json(context))
                context_show_json(result);
        else if (!context->global.quiet)
                (void)printf("A test is on its way to %s; see: batchctl alerts\n", name);
        return EXIT_DONE;
}

static void view_all(const struct context *context, const struct jval *result, struct buf *out) {
        view_alerts(context, result, out);
        view_waiting(context, result, out);
}

static int run_alerts(const struct context *context, const void *opaque, char *const *arguments) {
        const struct alerts_options *options = opaque;

        (void)arguments;
        return options->test ? send_test(context, options->test)
                             : ask_and_show(context, METHOD_ALERT_LIST, NULL, view_all);
}

const struct verb verb_alerts = {
        .name = "alerts",
        .arguments = "",
        .summary = "Show whom alerts tell, how that went, and what waits to be delivered",
        .examples = "  batchctl alerts\n  batchctl alerts --test ops\n",
        .options = rows,
        .options_size = sizeof(struct alerts_options),
        .run = run_alerts,
};
