/* Requests that act: recognised when they are repeated, recorded in the audit, answered when what they decided is
 * durable. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_internal.h"
#include "log.h"
#include "message_ids.h"
#include "strutil.h"
#include "xalloc.h"

static void act_free(struct act *act) {
        if (act->params)
                jval_unref(act->params);
        free((char *)(uintptr_t)act->caller.user);
        free((char *)(uintptr_t)act->caller.on_behalf);
        free(act->request_id);
        free(act);
}

static void forget(struct act *act) {
        for (struct act **link = &act->engine->acts; *link; link = &(*link)->next)
                if (*link == act) {
                        *link = act->next;
                        return;
                }
}

/* While nothing can be written, refusals would fill the memory instead: the log has them, and they are counted. */
static void audit_put(struct engine *engine, const struct audit_record *record) {
        if (store_trouble(engine->store) && !streq(record->outcome, "ok"))
                engine->audit_unrecorded++;
        else
                store_batch_put_audit(decisions_batch(engine), record);
}

void act_tell_unrecorded(struct engine *engine) {
        if (engine->audit_unrecorded == 0 || store_trouble(engine->store))
                return;
        log_warning("%" PRIu64 " refused requests are not in the audit: state.db could not be written then",
                    engine->audit_unrecorded);
        engine->audit_unrecorded = 0;
}

static void put_audit(struct act *act, const char *outcome, const char *run_id) {
        struct audit_record record = {
                .at = now_realtime(),
                .uid = act->caller.uid,
                .pid = act->caller.pid,
                .user = (char *)(uintptr_t)act->caller.user,
                .on_behalf = (char *)(uintptr_t)act->caller.on_behalf,
                .method = (char *)(uintptr_t)act->method->name,
                .params = act->params,
                .outcome = (char *)(uintptr_t)outcome,
        };
        const struct log_context about = {
                .message_id = MESSAGE_ID_AUDIT_ACT,
                .run_id = run_id,
                .job = jval_get_str(act->params, "job"),
        };

        (void)snprintf(record.run_id, sizeof(record.run_id), "%s", str_or(run_id, ""));
        audit_put(act->engine, &record);
        log_at(LOG_LEVEL_NOTICE, &about, "%s by %s%s%s (uid %lld, pid %lld): %s", act->method->name,
               str_or(act->caller.user, "?"), act->caller.on_behalf ? " on behalf of " : "",
               str_or(act->caller.on_behalf, ""), (long long)act->caller.uid, (long long)act->caller.pid, outcome);
}

/* An answer on its way to the caller, once the pass is durable. */
struct answer {
        struct act *act;
        struct jval *result;
        enum error_kind kind;
        char *message; /* of an error */
        struct jval *data;
};

static void tell(const struct answer *answer, const struct act *act, struct jval *result) {
        if (answer->message)
                act->fn(&(struct engine_error){answer->kind, answer->message, answer->data}, NULL, act->user);
        else
                act->fn(NULL, result, act->user);
}

static void deliver(void *user) {
        struct answer *answer = user;
        struct act *act = answer->act, *repeat;

        forget(act);
        while ((repeat = act->repeats)) {
                act->repeats = repeat->next;
                tell(answer, repeat, answer->message ? NULL : jval_ref(answer->result));
                act_free(repeat);
        }
        tell(answer, act, STEAL_PTR(answer->result));
        if (answer->data)
                jval_unref(answer->data);
        free(answer->message);
        free(answer);
        act_free(act);
}

void act_note_begun(struct act *act) {
        if (act->request_id && !act->was_begun)
                store_batch_put_request(decisions_batch(act->engine), act->request_id, act->request_uid,
                                        STORE_REQUEST_PENDING);
}

void act_succeed(struct act *act, struct jval *result, const char *run_id) {
        struct answer *answer = NEW(struct answer);

        if (act->request_id) {
                _cleanup_free_ char *text = jval_dump(result);

                store_batch_put_request(decisions_batch(act->engine), act->request_id, act->request_uid, text);
        }
        if (act->decided)
                act->decided(act->params, NULL, result, act->decided_user);
        else
                put_audit(act, "ok", run_id);
        *answer = (struct answer){.act = act, .result = result};
        decisions_after_commit(act->engine, deliver, answer);
}

void act_fail(struct act *act, enum error_kind kind, struct jval *data, const char *format, ...) {
        struct answer *answer = NEW(struct answer);
        va_list arguments;

        *answer = (struct answer){.act = act, .kind = kind, .data = data};
        va_start(arguments, format);
        answer->message = xvasprintf(format, arguments);
        va_end(arguments);
        if (act->decided)
                act->decided(act->params, &(struct engine_error){kind, answer->message, data}, NULL, act->decided_user);
        else
                put_audit(act, error_kind_to_string(kind), NULL);
        /* That something cannot be done now is based on nothing that must be durable first, and may be said because
         * nothing can be made durable. */
        if (kind == ERROR_KIND_UNAVAILABLE)
                loop_defer(act->engine->loop, deliver, answer);
        else
                decisions_after_commit(act->engine, deliver, answer);
}

static void nobody_asked(const struct engine_error *error, struct jval *result, void *user) {
        (void)error;
        (void)user;
        if (result)
                jval_unref(result);
}

struct act *act_of_daemon(struct engine *engine, enum method_id id, struct jval *params,
                          void (*decided)(const struct jval *params, const struct engine_error *refusal,
                                          const struct jval *result, void *user),
                          void *user) {
        struct act *act = NEW(struct act);

        *act = (struct act){
                .engine = engine,
                .method = method_by_id(id),
                .params = params,
                .caller = {.uid = geteuid(), .pid = getpid(), .user = xstrdup("batchd")},
                .fn = nobody_asked,
                .decided = decided,
                .decided_user = user,
        };
        return act;
}

/* A client has one connection, perhaps two while the first breaks: who sends more than this is not worth the memory. */
#define REPEATS_MAX 16

/* Of the names that starts for a due instant get, apart from what callers choose. */
#define DUE_PREFIX "due/"
/* Whose requests those are: a due instant is one start for all users together. */
#define DUE_UID (-1)

struct lookup {
        struct act *act;
        void (*handler)(struct act *act);
};

/* What state.db says about the request_id: answered before, or new. */
static void looked_up(int error, const char *error_text, struct jval *found, void *user) {
        struct lookup *lookup = user;
        struct act *act = lookup->act;
        void (*handler)(struct act * act) = lookup->handler;
        struct jval *earlier = NULL;
        const char *text;

        free(lookup);
        if (error == -ENOENT) {
                handler(act);
                return;
        }
        text = error == 0 ? jval_get_str(found, "answer") : NULL;
        if (text && jval_parse(text, strlen(text), &earlier, NULL) == 0 && jval_get_bool(earlier, "pending", false)) {
                jval_unref(earlier);
                act->was_begun = true;
                handler(act);
        } else if (earlier) {
                struct answer *answer = NEW(struct answer);

                if (startswith(act->request_id, DUE_PREFIX))
                        jval_set_bool(earlier, "repeated", true);
                *answer = (struct answer){.act = act, .result = earlier};
                decisions_after_commit(act->engine, deliver, answer);
        } else {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "try again: whether request_id was answered before cannot be read: %s",
                         str_or(error_text, "the kept answer is damaged"));
        }
        if (found)
                jval_unref(found);
}

static struct act *find_in_flight(const struct engine *engine, const char *request_id, int64_t uid) {
        for (struct act *act = engine->acts; act; act = act->next)
                if (act->request_uid == uid && streq(act->request_id, request_id))
                        return act;
        return NULL;
}

/* Sent again while the first is still being worked on, because its connection broke: both get the answer. */
static void repeat_of(struct act *first, struct act *act) {
        if (first->n_repeats == REPEATS_MAX) {
                free(STEAL_PTR(act->request_id));
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "try again in a moment: the same request is being worked on");
                return;
        }
        act->next = first->repeats;
        first->repeats = act;
        first->n_repeats++;
}

/* A start for a due instant is one start, whoever asks and however often (systemd timers fire again after a clock
 * change). */
static char *implied_request_id(const struct method *method, const struct jval *params) {
        const char *due = jval_get_str(params, "due");

        if (method->id != METHOD_RUN_START || !due)
                return NULL;
        return xasprintf(DUE_PREFIX "%s/%s", str_or(jval_get_str(params, "job"), ""), due);
}

void act_begin(struct engine *engine, enum method_id id, const struct jval *params, const struct caller *caller,
               engine_answer_fn fn, void *user, void (*handler)(struct act *act)) {
        struct act *act = NEW(struct act), *first;
        struct lookup *lookup;

        *act = (struct act){
                .engine = engine,
                .method = method_by_id(id),
                .params = params ? jval_deep_copy(params) : jval_object(),
                .caller = *caller,
                .fn = fn,
                .user = user,
        };
        act->caller.user = xstrdup_or_null(caller->user);
        act->caller.on_behalf = xstrdup_or_null(caller->on_behalf);
        act->request_id = implied_request_id(act->method, act->params);
        act->request_uid = act->request_id ? DUE_UID : caller->uid;
        if (!act->request_id)
                act->request_id = xstrdup_or_null(jval_get_str(act->params, "request_id"));
        if (!act->request_id) {
                handler(act);
                return;
        }
        first = find_in_flight(engine, act->request_id, act->request_uid);
        if (first) {
                repeat_of(first, act);
                return;
        }
        act->next = engine->acts;
        engine->acts = act;
        lookup = NEW(struct lookup);
        *lookup = (struct lookup){act, handler};
        if (history_request(engine->history, act->request_id, act->request_uid, looked_up, lookup) < 0) {
                free(lookup);
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "try again in a moment: too many questions wait for state.db");
        }
}

void engine_audit_refused(struct engine *engine, const char *method, const struct jval *params,
                          const struct caller *caller, const char *outcome) {
        struct audit_record record = {
                .at = now_realtime(),
                .uid = caller->uid,
                .pid = caller->pid,
                .user = (char *)(uintptr_t)caller->user,
                .on_behalf = (char *)(uintptr_t)caller->on_behalf,
                .method = (char *)(uintptr_t)method,
                .params = (struct jval *)(uintptr_t)params,
                .outcome = (char *)(uintptr_t)outcome,
        };

        audit_put(engine, &record);
}
