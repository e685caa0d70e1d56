/* batchctl list, show, reload: the jobs and their definitions. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "session.h"
#include "strutil.h"
#include "text.h"
#include "verb.h"
#include "view.h"

static int run_list(const struct context *context, const void *options, char *const *arguments) {
        return ask_and_show(context, METHOD_JOB_LIST, NULL, view_jobs);
}

const struct verb verb_list = {
        .name = "list",
        .arguments = "",
        .summary = "List the jobs with their last runs",
        .examples = "  batchctl list\n",
        .run = run_list,
};

static int run_show(const struct context *context, const void *options, char *const *arguments) {
        struct jval *params = jval_object();
        jval_set_str(params, "job", arguments[0]);
        return ask_and_show(context, METHOD_JOB_SHOW, params, view_job);
}

const struct verb verb_show = {
        .name = "show",
        .arguments = "JOB",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "Show the definition of a job: parameters, modes, steps",
        .examples = "  batchctl show weekly_update\n",
        .run = run_show,
};

static void append_names(const char *label, const struct jval *names, struct buf *out) {
        for (size_t i = 0; i < jval_array_size(names); i++)
                (void)buf_appendf(out, "%s%s", i == 0 ? label : ", ", str_or(jval_str(jval_at(names, i)), "?"));
        if (jval_array_size(names) > 0)
                (void)buf_append_char(out, '\n');
}

static int run_reload(const struct context *context, const void *options, char *const *arguments) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *result = NULL;
        int status = session_open(&session, context);
        if (status == EXIT_DONE)
                status = session_call(&session, METHOD_DAEMON_RELOAD, NULL, &result);
        if (status != EXIT_DONE)
                return status;
        const struct jval *errors = jval_get(result, "errors");
        status = jval_array_size(errors) > 0 ? EXIT_RUN_FAILED : EXIT_DONE;
        if (context_json(context)) {
                context_show_json(result);
                return status;
        }
        char jobs[TEXT_SIZE], count[TEXT_SIZE];
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX), wrong = BUF_INIT(SCREEN_MAX);
        (void)buf_appendf(&text, "%s in force\n", text_count(jobs, jval_get_int(result, "jobs", 0), "job"));
        append_names("added: ", jval_get(result, "added"), &text);
        append_names("changed: ", jval_get(result, "changed"), &text);
        append_names("removed: ", jval_get(result, "removed"), &text);
        if (!context->global.quiet)
                context_show(context, &text, false);
        if (status == EXIT_DONE)
                return status;
        view_diagnostics(context, errors, &wrong);
        (void)fwrite(buf_data(&wrong), 1, wrong.len, stderr);
        context_complain(context, "mend these and reload again (%s): a job whose file is wrong stays as it was",
                         text_count(count, (int64_t)jval_array_size(errors), "error"));
        return status;
}

const struct verb verb_reload = {
        .name = "reload",
        .arguments = "",
        .summary = "Read the job files again",
        .examples = "  batchctl reload\n",
        .details = "Every error in them is listed, and the exit status is then 1; a job whose file is wrong stays as "
                   "it was.",
        .run = run_reload,
};
