/* batchctl status: everything at a glance, or one run. */
#include "ask.h"
#include "session.h"
#include "strutil.h"
#include "verb.h"
#include "view.h"

#define RECENT_RUNS 5
/* How long is waited for what is read from a disk that is known to be ill. */
#define ILL_DISK_PATIENCE (2 * USEC_PER_SEC)

static int show_run(const struct context *context, struct session *session, const char *run) {
        _cleanup_jval_ struct jval *shown = NULL;
        int status = session_show_run(session, run, &shown);

        return status == EXIT_DONE ? show_answer(context, shown, view_run) : status;
}

/* The three calls share one round trip. */
static int show_overview(const struct context *context, struct session *session) {
        _cleanup_jval_ struct jval *status = NULL, *current = NULL, *recent = NULL;
        struct jval *params = jval_object();
        jval_set_int(params, "limit", RECENT_RUNS);
        int64_t ids[] = {
                session_send(session, METHOD_DAEMON_STATUS, NULL),
                session_send(session, METHOD_RUN_CURRENT, NULL),
                session_send(session, METHOD_RUN_LIST, params),
        };
        int r = session_answer(session, ids[0], &status);
        if (r == EXIT_DONE)
                r = session_answer(session, ids[1], &current);
        if (r == EXIT_DONE && streq_null(jval_get_str(jval_get(status, "store"), "state"), "down"))
                recent = session_answer_within(session, ids[2], ILL_DISK_PATIENCE);
        else if (r == EXIT_DONE)
                r = session_answer(session, ids[2], &recent);
        if (r != EXIT_DONE)
                return r;
        if (context_json(context)) {
                _cleanup_jval_ struct jval *all = jval_object();
                jval_set(all, "daemon", jval_ref(status));
                jval_set(all, "current", jval_ref(jval_get(current, "runs")));
                if (recent)
                        jval_set(all, "recent", jval_ref(jval_get(recent, "runs")));
                context_show_json(all);
                return EXIT_DONE;
        }
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        view_overview(context, status, current, recent, &text);
        context_show(context, &text, true);
        return EXIT_DONE;
}

static int run_status(const struct context *context, const void *options, char *const *arguments) {
        _cleanup_session_ struct session session = SESSION_INIT;
        int status = session_open(&session, context);
        if (status != EXIT_DONE)
                return status;
        return arguments[0] ? show_run(context, &session, arguments[0]) : show_overview(context, &session);
}

const struct verb verb_status = {
        .name = "status",
        .arguments = "[RUN]",
        .max_arguments = 1,
        .summary = "Everything at a glance, or one run with its steps, counters and warnings",
        .examples = "  batchctl status\n  batchctl status 42\n  batchctl status -o json\n",
        .run = run_status,
};
