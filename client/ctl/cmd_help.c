#include <stdio.h>

#include "config.h"
#include "methods.h"
#include "session.h"
#include "strutil.h"
#include "verb.h"
#include "versions.h"

static void append_all(struct buf *out) {
        (void)buf_append_str(out, "Examples:\n"
                                  "  batchctl run weekly_update --follow     start a job and watch it\n"
                                  "  batchctl status                         everything at a glance\n"
                                  "  batchctl tail -f                        follow what runs now\n"
                                  "  batchctl history --status failed        what went wrong\n"
                                  "\nUsage: batchctl [OPTION...] COMMAND [...]\n\nCommands:\n");
        for (const struct verb *const *v = verbs; *v; v++) {
                if ((*v)->hidden)
                        continue;
                char left[48];
                (void)snprintf(left, sizeof(left), "%s%s%s", (*v)->name, (*v)->arguments[0] ? " " : "",
                               (*v)->arguments);
                (void)buf_appendf(out, "  %-18s %s\n", left, (*v)->summary);
        }
        (void)buf_append_str(out, "\nOptions of every command:\n");
        options_append_help(global_rows, out);
        (void)buf_append_str(
                out, "\nExit status: 0 done, 1 the run failed or was cancelled, 2 usage, 3 the run ended "
                     "partial, 4 no such job or run,\n"
                     "5 already running or paused, 6 not permitted, 7 rate limited, 8 the daemon cannot be reached, "
                     "124 the wait timed out.\n"
                     "'batchctl COMMAND --help' tells more, and so does batchctl(1).\n");
}

void help_append(const struct verb *verb, struct buf *out) {
        if (!verb) {
                append_all(out);
                return;
        }
        (void)buf_appendf(out, "Examples:\n%s\nUsage: batchctl %s%s%s%s\n\n%s.\n", verb->examples, verb->name,
                          verb->options ? " [OPTION...]" : "", verb->arguments[0] ? " " : "", verb->arguments,
                          verb->summary);
        if (verb->details)
                (void)buf_appendf(out, "%s\n", verb->details);
        if (verb->options) {
                (void)buf_append_str(out, "\nOptions:\n");
                options_append_help(verb->options, out);
        }
        (void)buf_append_str(out, "\nOptions of every command:\n");
        options_append_help(global_rows, out);
}

static int run_help(const struct context *context, const void *options, char *const *arguments) {
        const struct verb *verb = arguments[0] ? verb_find(arguments[0]) : NULL;
        if (arguments[0] && !verb) {
                const char *near = verb_suggest(arguments[0]);
                context_complain(context, "there is no command '%s'%s%s%s", arguments[0],
                                 near ? "; did you mean '" : "", str_or(near, ""), near ? "'?" : "");
                return EXIT_USAGE;
        }
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        help_append(verb, &text);
        context_show(context, &text, true);
        return EXIT_DONE;
}

const struct verb verb_help = {
        .name = "help",
        .arguments = "[COMMAND]",
        .max_arguments = 1,
        .summary = "Show help",
        .examples = "  batchctl help\n  batchctl help run\n",
        .run = run_help,
};

/* `batchctl --version` asks nobody; `batchctl version` tells of the daemon too, where one can be reached. */
static int show_daemon_version(const struct context *context, struct jval *versions) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *hello = NULL;
        int status = session_open(&session, context);
        if (status == EXIT_DONE)
                status = session_call(&session, METHOD_DAEMON_HELLO, versions_hello(), &hello);
        if (status == EXIT_DONE)
                jval_set(versions, "daemon", jval_ref(hello));
        return status;
}

static int run_version(const struct context *context, const void *options, char *const *arguments) {
        if (context->global.version) {
                (void)printf("batchctl %s\n", VERSION);
                return EXIT_DONE;
        }
        _cleanup_jval_ struct jval *versions = jval_object();
        jval_set_str(versions, "client", VERSION);
        jval_set_int(versions, "protocol", PROTOCOL_VERSION);
        int status = show_daemon_version(context, versions);
        if (context_json(context)) {
                context_show_json(versions);
                return status;
        }
        struct jval *daemon = jval_get(versions, "daemon");
        (void)printf("batchctl %s, protocol %d\n", VERSION, PROTOCOL_VERSION);
        if (daemon)
                (void)printf("batchd %s, protocol %d, on %s\n", str_or(jval_get_str(daemon, "version"), "?"),
                             (int)jval_get_int(daemon, "protocol", 0), str_or(jval_get_str(daemon, "host"), "?"));
        return status;
}

const struct verb verb_version = {
        .name = "version",
        .arguments = "",
        .summary = "Show the versions of client and daemon",
        .examples = "  batchctl version\n  batchctl --version\n",
        .run = run_version,
};
