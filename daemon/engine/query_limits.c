/* limit.list. */
#include "engine_internal.h"
#include "limits.h"

/* An answer fits a frame: of holders and of waiters each, so many of a limit are shown, and so many in all. */
#define SHOWN_MAX 200
#define SHOWN_ALL_MAX 2000

/* Counts one more; whether it is shown. */
static bool is_shown(int64_t *total, size_t *left) {
        if ((*total)++ >= SHOWN_MAX || *left == 0)
                return false;
        (*left)--;
        return true;
}

static struct jval *owners_of(const char *name, const struct limit_claims *claims, int64_t *ret_total, size_t *left) {
        struct jval *owners = jval_array();

        *ret_total = 0;
        for (size_t i = 0; i < claims->count; i++) {
                const struct limit_use *use = limit_uses_find(claims->items[i].uses, name);

                if (use && is_shown(ret_total, left))
                        jval_add(owners, limit_owner_json(&claims->owners[i], use->slots));
        }
        return owners;
}

/* Those that wait, since when and how urgent. */
static struct jval *waiters_of(const char *name, const struct limit_claims *claims, int64_t *ret_total, size_t *left) {
        struct jval *waiters = jval_array();

        *ret_total = 0;
        for (size_t i = 0; i < claims->count; i++) {
                const struct limit_use *use = limit_uses_find(claims->items[i].uses, name);
                struct jval *waiter;

                if (!use || !is_shown(ret_total, left))
                        continue;
                waiter = limit_owner_json(&claims->owners[i], use->slots);
                jval_set_time(waiter, "since", claims->items[i].since);
                jval_set_int(waiter, "priority", claims->items[i].priority);
                jval_add(waiters, waiter);
        }
        return waiters;
}

static struct jval *limit_json(const struct limit *limit, const struct limit_claims *holders,
                               const struct limit_claims *waiters, size_t *left) {
        struct jval *object = jval_object();
        int64_t n;

        jval_set_str(object, "limit", limit->name);
        jval_set_int(object, "slots", limit->slots);
        jval_set_int(object, "used", limit_queue_used(limit->name, holders->items, holders->count));
        jval_set(object, "holders", owners_of(limit->name, holders, &n, left));
        jval_set_int(object, "holders_total", n);
        jval_set(object, "waiters", waiters_of(limit->name, waiters, &n, left));
        jval_set_int(object, "waiters_total", n);
        return object;
}

void engine_limit_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        _cleanup_claims_ struct limit_claims holders = {0}, waiters = {0};
        struct jval *result = jval_object(), *limits = jval_array();
        size_t left = SHOWN_ALL_MAX;

        (void)params;
        limits_holders(engine, &holders);
        limits_waiters(engine, &waiters);
        for (size_t i = 0; i < engine->limits.count; i++)
                jval_add(limits, limit_json(&engine->limits.items[i], &holders, &waiters, &left));
        jval_set(result, "limits", limits);
        fn(NULL, result, user);
}
