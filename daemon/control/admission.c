#include "admission.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "strutil.h"
#include "xalloc.h"

/* Longest name of a person or token, and of a request: they are kept in tables and shown in one line. */
#define LABEL_MAX 128

void refusal_done(struct refusal *refusal) {
        free(refusal->message);
        jval_unref(refusal->data);
        *refusal = (struct refusal){0};
}

static int refuse(struct refusal *ret, enum error_kind kind, char *message, struct jval *data) {
        *ret = (struct refusal){.kind = kind, .message = message, .data = data};
        return -EACCES;
}

static struct jval *one_member(const char *key, const char *text) {
        struct jval *data = jval_object();

        jval_set_str(data, key, text);
        return data;
}

static int refuse_unknown(const struct rpc_request *request, struct refusal *ret) {
        const char *near = method_suggest(request->method);
        char *message = near ? xasprintf("there is no method '%.64s'; did you mean '%s'?", request->method, near)
                             : xasprintf("there is no method '%.64s' in protocol %d; protocol.md lists them",
                                         request->method, PROTOCOL_VERSION);

        return refuse(ret, ERROR_KIND_METHOD, message, near ? one_member("suggestion", near) : NULL);
}

static int check_right(const struct admission_rules *rules, const struct admission_caller *caller,
                       const struct method *method, struct refusal *ret) {
        const char *user;
        struct jval *data;

        if (caller->right >= method->right)
                return 0;
        user = caller->user(caller->data);
        data = one_member("user", user);
        jval_set_str(data, "group", method->right == RIGHT_ACT ? rules->rights->act_group : rules->rights->watch_group);
        return refuse(ret, ERROR_KIND_NOT_PERMITTED, rights_explain_refusal(rules->rights, method, user), data);
}

static int check_params(const struct method *method, const struct jval *params, struct refusal *ret) {
        _cleanup_free_ char *parameter = NULL;
        char *message = NULL;

        if (method_check_params(method, params, &message, &parameter) >= 0)
                return 0;
        return refuse(ret, ERROR_KIND_INVALID_PARAMS, message, parameter ? one_member("parameter", parameter) : NULL);
}

/* A label goes into log lines and tables: one line of a stated length. */
static int check_label(const struct jval *params, const char *name, struct refusal *ret) {
        const char *text = jval_get_str(params, name);

        if (!text)
                return 0;
        if (*text == 0 || strlen(text) > LABEL_MAX)
                return refuse(ret, ERROR_KIND_INVALID_PARAMS,
                              xasprintf("parameter '%s' takes 1 to %d bytes, not %zu", name, LABEL_MAX, strlen(text)),
                              one_member("parameter", name));
        for (const char *c = text; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        return refuse(ret, ERROR_KIND_INVALID_PARAMS,
                                      xasprintf("parameter '%s' takes text without control characters", name),
                                      one_member("parameter", name));
        return 0;
}

static int check_on_behalf(const struct admission_rules *rules, const struct admission_caller *caller,
                           const struct jval *params, struct refusal *ret) {
        const char *on_behalf = params ? jval_get_str(params, "on_behalf") : NULL;
        const char *user;

        if (!on_behalf || rights_trusted(rules->rights, caller->uid))
                return 0;
        user = caller->user(caller->data);
        return refuse(ret, ERROR_KIND_NOT_PERMITTED,
                      xasprintf("leave out 'on_behalf', or add user %s to TrustedClients= in [Daemon] of batchd.conf: "
                                "only the clients "
                                "named there speak for others",
                                user),
                      one_member("user", user));
}

/* Timers of systemd start their runs on time however many are due at once. What comes on behalf of a person is never
 * one. */
static bool is_timer(const struct method *method, const struct jval *params) {
        const char *trigger = params && method->id == METHOD_RUN_START ? jval_get_str(params, "triggered_by") : NULL;

        return trigger && streq(trigger, "timer");
}

static int check_rate(const struct admission_rules *rules, const struct admission_caller *caller,
                      const struct method *method, const struct jval *params, usec_t now, struct refusal *ret) {
        const char *on_behalf = params ? jval_get_str(params, "on_behalf") : NULL;
        _cleanup_free_ char *key = NULL;
        uint64_t seconds;
        struct jval *data;
        usec_t wait;

        if (!on_behalf && (rights_unlimited(rules->rights, caller->uid) || is_timer(method, params)))
                return 0;
        key = on_behalf ? xasprintf("on_behalf %s", on_behalf) : xasprintf("uid %u", (unsigned)caller->uid);
        wait = rate_limit_take(rules->limit, key, now);
        if (wait == 0)
                return 0;
        seconds = (wait + USEC_PER_SEC - 1) / USEC_PER_SEC;
        data = jval_object();
        jval_set_int(data, "retry_after_seconds", (int64_t)seconds);
        return refuse(ret, ERROR_KIND_RATE_LIMITED,
                      xasprintf("wait %" PRIu64
                                " s and try again: %s has used its %u actions a minute (ActionsPerMinute= in [Daemon])",
                                seconds, on_behalf ? on_behalf : caller->user(caller->data),
                                rate_limit_per_minute(rules->limit)),
                      data);
}

static int check_act(const struct admission_rules *rules, const struct admission_caller *caller,
                     const struct method *method, const struct jval *params, usec_t now, struct refusal *ret) {
        int r = check_label(params, "request_id", ret);

        if (r >= 0)
                r = check_label(params, "on_behalf", ret);
        if (r >= 0)
                r = check_on_behalf(rules, caller, params, ret);
        if (r >= 0)
                r = check_rate(rules, caller, method, params, now, ret);
        return r;
}

int admission_check(const struct admission_rules *rules, const struct admission_caller *caller,
                    const struct rpc_request *request, usec_t now, const struct method **ret_method,
                    struct refusal *ret) {
        const struct method *method = method_by_name(request->method);
        int r;

        if (!method)
                return refuse_unknown(request, ret);
        *ret_method = method;
        r = check_right(rules, caller, method, ret);
        if (r < 0)
                return r;
        /* The shape of hello never changes, so it takes what a later version may add. */
        if (method->id == METHOD_DAEMON_HELLO)
                return 0;
        r = check_params(method, request->params, ret);
        return r < 0 || !method->acts ? r : check_act(rules, caller, method, request->params, now, ret);
}
