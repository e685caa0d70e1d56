#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "follower.h"
#include "item_counts.h"
#include "macro.h"
#include "progress.h"
#include "strutil.h"
#include "watch_text.h"
#include "xalloc.h"

#define TICK (USEC_PER_SEC)
/* A follower waits that long for a daemon that went away. */
#define FOLLOW_PATIENCE (10 * USEC_PER_MINUTE)
#define CLEAR_LINE "\r\033[K"

struct watch {
        struct session *session;
        struct context screen; /* with the terminal's present size */
        const struct watch_options *options;
        struct follower follower;
        struct progress progress;
        struct jval *seen_steps; /* an object as a set: "step item attempt status" */
        struct item_counts items;
        struct jval *run; /* what is known of it: run_number, job, status ... */
        struct buf out;
        size_t step_width;
        usec_t deadline; /* on the boot clock; USEC_INFINITY: none */
        usec_t heard_at; /* the last message */
        bool shows_lines;
        bool shows_steps;
        bool bar_is_shown;
        bool is_finished;
};

static volatile sig_atomic_t interrupted;

static void note_signal(int number) {
        if (number == SIGINT)
                interrupted = 1;
}

int exit_status_of_run(const char *status) {
        if (!status || streq(status, "success") || streq(status, "skipped"))
                return EXIT_DONE;
        return streq(status, "partial") ? EXIT_RUN_PARTIAL : EXIT_RUN_FAILED;
}

static bool wants_bar(const struct watch *w) {
        return w->options->follow && w->screen.out.is_terminal && !context_json(&w->screen) && !w->screen.global.quiet;
}

/* Everything goes out through here: the bar is taken away, what has come is written above it, and it is drawn again. */
static void flush(struct watch *w, bool with_bar) {
        _cleanup_buf_ struct buf all = BUF_INIT(SCREEN_MAX);
        if (w->bar_is_shown)
                (void)buf_append_str(&all, CLEAR_LINE);
        (void)buf_append(&all, buf_data(&w->out), w->out.len);
        buf_clear(&w->out);
        w->bar_is_shown = with_bar && wants_bar(w) && w->progress.run_number > 0;
        if (w->bar_is_shown) {
                term_measure(&w->screen.out);
                /* Room for the "^C" that the terminal itself writes, which else would wrap the line. */
                progress_append_line(&w->progress, &w->screen.out, (size_t)MAX(w->screen.out.columns - 4, 10),
                                     now_boottime(), &all);
        }
        (void)fwrite(buf_data(&all), 1, all.len, stdout);
        (void)fflush(stdout);
}

static void append_event(struct watch *w, const char *event, const struct jval *value) {
        _cleanup_jval_ struct jval *object = jval_object();
        jval_set_str(object, "event", event);
        for (void *i = jval_iter(value); i; i = jval_iter_next(value, i))
                jval_set(object, jval_iter_key(i), jval_ref(jval_iter_value(i)));
        (void)jval_append(object, &w->out);
        (void)buf_append_char(&w->out, '\n');
}

/* What a command behind ForEach=! names shows in the items themselves. */
static bool is_list_of_items(const struct jval *line) {
        return endswith(str_or(jval_get_str(line, "step"), ""), ":items") &&
               streq_null(jval_get_str(line, "stream"), "stdout");
}

static void take_lines(struct watch *w, const struct jval *lines) {
        for (size_t i = 0; i < jval_array_size(lines); i++) {
                struct jval *line = jval_at(lines, i);
                if (!follower_takes(&w->follower, line) || !w->shows_lines)
                        continue;
                if (context_json(&w->screen))
                        append_event(w, "line", line);
                else if (!is_list_of_items(line))
                        append_log_line(&w->out, &w->screen.out, line, w->screen.global.utc, &w->step_width,
                                        !w->screen.out.is_terminal);
        }
}

static void remember(struct watch *w, const struct jval *object) {
        static const char *const keys[] = {"run_number", "run_id",          "job",           "status",
                                           "reason",     "elapsed_seconds", "error_message", "last_seq"};
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (jval_has(object, keys[i]))
                        jval_set(w->run, keys[i], jval_ref(jval_get(object, keys[i])));
        progress_take(&w->progress, object, now_boottime());
}

static void take_steps(struct watch *w, const struct jval *steps) {
        for (size_t i = 0; i < jval_array_size(steps); i++) {
                struct jval *step = jval_at(steps, i);
                const char *status = str_or(jval_get_str(step, "status"), "");
                _cleanup_free_ char *key =
                        xasprintf("%s\t%s\t%" PRIi64 "\t%s", str_or(jval_get_str(step, "step_name"), ""),
                                  str_or(jval_get_str(step, "item"), ""), jval_get_int(step, "attempt", 0), status);
                if (item_is_only_counted(&w->items, step) || jval_has(w->seen_steps, key))
                        continue;
                jval_set_bool(w->seen_steps, key, true);
                if (w->shows_steps && !context_json(&w->screen) && !streq(status, "pending"))
                        append_step_change(&w->out, &w->screen.out, step);
        }
}

static void take_state(struct watch *w, const struct jval *params) {
        remember(w, params);
        if (context_json(&w->screen) && w->shows_steps)
                append_event(w, "state", params);
        if (w->shows_steps && !context_json(&w->screen))
                item_counts_take(&w->items, jval_get(params, "items"), &w->out, &w->screen.out);
        take_steps(w, jval_get(params, "steps"));
}

static void finish(struct watch *w) {
        w->is_finished = true;
        if (!w->options->follow || w->screen.global.quiet)
                return;
        if (context_json(&w->screen))
                append_event(w, "end", w->run);
        else
                append_run_end(&w->out, &w->screen.out, w->run);
}

/* What the daemon could not keep for a reader as slow as this one. */
static void take_skipped(struct watch *w, int64_t skipped) {
        if (skipped > 0 && w->shows_lines && !context_json(&w->screen))
                (void)buf_appendf(&w->out,
                                  "-- %" PRIi64
                                  " lines came faster than they could be shown; batchctl logs has them --\n",
                                  skipped);
}

static void take_notification(struct watch *w, const struct client_message *message) {
        const struct jval *params = message->value;
        if (!streq_null(jval_get_str(params, "run_id"), w->follower.run_id))
                return;
        switch (message->notification) {
        case NOTIFICATION_RUN_LINES:
                take_skipped(w, jval_get_int(params, "skipped", 0));
                take_lines(w, jval_get(params, "lines"));
                return;
        case NOTIFICATION_RUN_STATE:
                take_state(w, params);
                return;
        case NOTIFICATION_RUN_END:
                remember(w, params);
                finish(w);
                return;
        case NOTIFICATION_RUN_CHANGED:
        case NOTIFICATION_DAEMON_STOPPING:
        case NOTIFICATION_UNKNOWN:
        case _NOTIFICATION_MAX:
                return;
        }
}

static void ask(struct watch *w) {
        (void)session_send(w->session, METHOD_RUN_TAIL, follower_params(&w->follower));
}

static void take_answer(struct watch *w, const struct jval *result) {
        struct jval *lines = jval_get(result, "lines");
        follower_answered(&w->follower, result);
        remember(w, result);
        take_lines(w, lines);
        follower_covered(&w->follower, result);
        if (jval_get_bool(result, "following", false))
                return;
        if (jval_has(result, "next") && jval_array_size(lines) > 0) {
                ask(w);
                return;
        }
        /* It had ended: no run.end comes that would say which line is the last. */
        jval_set_int(w->run, "last_seq", w->follower.after < 0 ? 0 : w->follower.after);
        finish(w);
}

static int take_message(struct watch *w, const struct client_message *message) {
        switch (message->kind) {
        case CLIENT_ANSWER:
                take_answer(w, message->value);
                break;
        case CLIENT_NOTIFICATION:
                take_notification(w, message);
                break;
        case CLIENT_REFUSAL:
                flush(w, false);
                return session_refused(w->session->context, message);
        }
        flush(w, !w->is_finished);
        return 0;
}

/* Ctrl-C: says how to go on, then dies as the shell expects of an interrupted program. */
static void detach(struct watch *w) {
        int64_t run = jval_get_int(w->run, "run_number", 0);
        flush(w, false);
        if (run > 0 && w->options->follow)
                context_complain(&w->screen,
                                 "detached, run %" PRIi64 " goes on: 'batchctl tail -f %" PRIi64
                                 "' watches it, 'batchctl cancel %" PRIi64 "' ends it",
                                 run, run, run);
        (void)signal(SIGINT, SIG_DFL);
        sigset_t set;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)raise(SIGINT);
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Shown where the bar was, and taken away as it is. */
static void show_waiting(struct watch *w) {
        static const char text[] = "the daemon is away; waiting for it to come back";
        flush(w, false);
        if (!wants_bar(w))
                return;
        (void)fputs(text, stdout);
        (void)fflush(stdout);
        w->bar_is_shown = true;
}

static int connect_anew(struct watch *w) {
        w->heard_at = now_boottime();
        int r = session_reconnect(w->session, FOLLOW_PATIENCE);
        if (r == -EINTR)
                return 0; /* the loop looks at the signal and comes here again */
        if (r < 0)
                return EXIT_UNREACHABLE;
        /* An unanswered call has been queued again; else it goes on behind the last line. */
        if (client_pending(w->session->client) == 0)
                ask(w);
        return 0;
}

static int come_back(struct watch *w) {
        if (!w->session->stopping)
                show_waiting(w);
        else
                flush(w, false);
        return connect_anew(w);
}

/* Nothing came for a while. */
static int wait_on(struct watch *w) {
        flush(w, true);
        /* Who is asked from afar keeps the connection alive, or ends it. */
        if (w->session->is_remote || now_boottime() - w->heard_at < SILENCE_MAX)
                return 0;
        return connect_anew(w);
}

static int time_out(struct watch *w) {
        int64_t run = jval_get_int(w->run, "run_number", 0);
        flush(w, false);
        context_complain(&w->screen,
                         "the time to wait has passed, run %" PRIi64 " goes on: 'batchctl tail -f %" PRIi64
                         "' watches it",
                         run, run);
        return EXIT_TIMED_OUT;
}

static int watch_loop(struct watch *w) {
        w->heard_at = now_boottime();
        ask(w);
        while (!w->is_finished) {
                usec_t now = now_boottime();
                if (interrupted)
                        detach(w);
                if (now >= w->deadline)
                        return time_out(w);
                usec_t wait = MIN(w->deadline - now, wants_bar(w) ? TICK : SILENCE_MAX);
                _cleanup_message_ struct client_message message = {0};
                int r = session_next(w->session, wait, &message);
                if (r == 1) {
                        w->heard_at = now_boottime();
                        r = take_message(w, &message);
                } else if (r == 0 || r == -EINTR)
                        r = wait_on(w);
                else if (r == -ECONNRESET)
                        r = come_back(w);
                else
                        r = EXIT_UNREACHABLE;
                if (r != 0)
                        return r;
        }
        return w->options->follow ? exit_status_of_run(jval_get_str(w->run, "status")) : EXIT_DONE;
}

/* SIGINT and SIGWINCH are let in only while waiting, so that none is missed and nothing is cut in two. */
static void catch_signals(struct watch *w, sigset_t *ret_old) {
        struct sigaction action = {.sa_handler = note_signal};
        sigset_t set;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGWINCH);
        (void)sigprocmask(SIG_BLOCK, &set, ret_old);
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGWINCH, &action, NULL);
        w->session->mask = ret_old;
}

int watch_run(struct session *session, const struct watch_options *options) {
        struct watch w = {
                .session = session,
                .screen = *session->context,
                .options = options,
                .seen_steps = jval_object(),
                .items = ITEM_COUNTS_INIT,
                .run = jval_object(),
                .out = BUF_INIT(SCREEN_MAX),
                .shows_lines = options->show_lines && !session->context->global.quiet,
                .shows_steps = options->show_steps && !session->context->global.quiet,
                .deadline = options->timeout > 0 ? now_boottime() + options->timeout : USEC_INFINITY,
        };
        sigset_t old;
        follower_init(&w.follower, options->run, options->lines, options->follow);
        catch_signals(&w, &old);
        int status = watch_loop(&w);
        session->mask = NULL;
        (void)sigprocmask(SIG_SETMASK, &old, NULL);
        (void)signal(SIGINT, SIG_DFL);
        follower_done(&w.follower);
        progress_done(&w.progress);
        jval_unref(w.seen_steps);
        item_counts_done(&w.items);
        jval_unref(w.run);
        buf_done(&w.out);
        return status;
}
