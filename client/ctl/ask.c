#include "ask.h"

#include "exit_status.h"
#include "macro.h"
#include "session.h"

int show_answer(const struct context *context, const struct jval *result, view_fn view) {
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);

        if (context_json(context)) {
                context_show_json(result);
                return EXIT_DONE;
        }
        view(context, result, &text);
        context_show(context, &text, true);
        return EXIT_DONE;
}

/* Nothing of a job that there is not is a mistyped name. What a job that is gone has left is found before. */
static int check_job(struct session *session, const struct jval *filter, const struct jval *found) {
        const char *job = jval_get_str(filter, "job");
        _cleanup_jval_ struct jval *shown = NULL, *params = NULL;

        if (!job || jval_array_size(found) > 0)
                return EXIT_DONE;
        params = jval_object();
        jval_set_str(params, "job", job);
        return session_call(session, METHOD_JOB_SHOW, STEAL_PTR(params), &shown);
}

int ask_and_show(const struct context *context, enum method_id method, struct jval *params, view_fn view) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *owned = params, *result = NULL;
        int status = session_open(&session, context);

        if (status == EXIT_DONE)
                status = session_call(&session, method, owned ? jval_ref(owned) : NULL, &result);
        if (status == EXIT_DONE && jval_is_array(jval_get(result, "jobs")))
                status = check_job(&session, owned, jval_get(result, "jobs"));
        return status == EXIT_DONE ? show_answer(context, result, view) : status;
}

/* The most that the daemon gives at once. */
#define PAGE_MAX INT64_C(1000)

static int fetch(struct session *session, enum method_id method, struct jval *filter, const char *list, int64_t count,
                 struct jval *into) {
        for (;;) {
                _cleanup_jval_ struct jval *result = NULL;
                const struct jval *page, *next;
                int status;

                jval_set_int(filter, "limit", MIN(count - (int64_t)jval_array_size(into), PAGE_MAX));
                status = session_call(session, method, jval_deep_copy(filter), &result);
                if (status != EXIT_DONE)
                        return status;
                page = jval_get(result, list);
                for (size_t i = 0; i < jval_array_size(page); i++)
                        jval_add(into, jval_ref(jval_at(page, i)));
                next = jval_get(result, "next");
                if (jval_type_of(next) == JVAL_NULL || jval_array_size(page) == 0 ||
                    (int64_t)jval_array_size(into) >= count)
                        return EXIT_DONE;
                jval_set(filter, "before", jval_deep_copy(next));
        }
}

int ask_pages_and_show(const struct context *context, enum method_id method, struct jval *filter, const char *list,
                       int64_t count, view_fn view) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *all = jval_array();
        int status = session_open(&session, context);

        if (status == EXIT_DONE)
                status = fetch(&session, method, filter, list, count, all);
        if (status == EXIT_DONE)
                status = check_job(&session, filter, all);
        return status == EXIT_DONE ? show_answer(context, all, view) : status;
}
