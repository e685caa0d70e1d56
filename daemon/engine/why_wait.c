/* What a queued run, or a step that is held back, waits for. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine_internal.h"
#include "limits.h"
#include "starts.h"
#include "strutil.h"
#include "why.h"
#include "xalloc.h"

/* " by alice: bye week" of what people said; "" of nothing. New string. */
static char *said_by(const struct jval *said) {
        const char *by = jval_get_str(said, "by"), *reason = jval_get_str(said, "reason");

        return xasprintf("%s%s%s%s", by ? " by " : "", str_or(by, ""), reason ? ": " : "", str_or(reason, ""));
}

/* "of run 41 of nightly, step load (KC)" */
static char *holder_text(const struct jval *holder) {
        const char *step = jval_get_str(holder, "step"), *item = str_or(jval_get_str(holder, "item"), "");

        return xasprintf("run %" PRId64 " of %s%s%s%s%s%s", jval_get_int(holder, "run_number", 0),
                         str_or(jval_get_str(holder, "job"), "a job"), step ? ", step " : "", str_or(step, ""),
                         step && item[0] ? " (" : "", step ? item : "", step && item[0] ? ")" : "");
}

static struct jval *tell_limit(struct jval *facts, const char *who, const struct jval *wait) {
        const struct jval *holders = jval_get(wait, "holders");
        const char *limit = str_or(jval_get_str(wait, "limit"), "?");
        int64_t slots = jval_get_int(wait, "slots", 0), used = jval_get_int(wait, "used", 0);
        _cleanup_free_ char *first = jval_array_size(holders) > 0 ? holder_text(jval_at(holders, 0)) : NULL;

        if (slots == 0)
                return why_add_fact(facts, "limit", "%s waits for limit %s, which is closed (Slots=0)", who, limit);
        return why_add_fact(facts, "limit",
                            "%s waits for %" PRId64 " of limit %s: %" PRId64 " of %" PRId64 " slots are taken%s%s%s",
                            who, jval_get_int(wait, "wants", 1), limit, used, slots, first ? ", by " : "",
                            str_or(first, ""), jval_array_size(holders) > 1 ? " and others" : "");
}

static struct jval *tell_kind(struct jval *facts, struct jval *next, const char *who, const char *job,
                              const struct jval *wait) {
        const char *kind = str_or(jval_get_str(wait, "kind"), "");
        int64_t number = jval_get_int(wait, "run_number", 0);
        _cleanup_free_ char *by = said_by(wait), *run = holder_text(wait);

        if (streq(kind, "run")) {
                why_add_next(next, "see how far that run is", "batchctl status %" PRId64, number);
                return why_add_fact(facts, kind, "%s waits for %s, which is %s", who, run,
                                    str_or(jval_get_str(wait, "status"), "active"));
        }
        if (streq(kind, "limit")) {
                why_add_next(next, "see who holds and who waits", "batchctl limits");
                return tell_limit(facts, who, wait);
        }
        if (streq(kind, "limit_order"))
                return why_add_fact(facts, kind, "%s waits for %s: their steps could wait for each other's limits", who,
                                    run);
        if (streq(kind, "not_ready"))
                return why_add_fact(facts, kind, "%s is not ready, and is asked again and again: %s", who,
                                    str_or(jval_get_str(wait, "said"), "its ReadyWhen= has not ended yet"));
        if (streq(kind, "paused")) {
                why_add_next(next, "end the pause", "batchctl resume %s", job);
                return why_add_fact(facts, kind, "%s waits for the end of the pause of its job, paused%s", who, by);
        }
        if (streq(kind, "drained")) {
                why_add_next(next, "let jobs start again", "batchctl drain --off");
                return why_add_fact(facts, kind, "%s waits for the end of the drain, drained%s", who, by);
        }
        return why_add_fact(facts, kind, "%s waits (%s)%s", who, kind, by);
}

struct jval *why_tell_wait(struct jval *facts, struct jval *next, const char *who, const char *job,
                           const struct jval *wait) {
        struct jval *fact = tell_kind(facts, next, who, job, wait);

        for (void *i = jval_iter(wait); i; i = jval_iter_next(wait, i))
                if (!streq(jval_iter_key(i), "kind"))
                        jval_set(fact, jval_iter_key(i), jval_ref(jval_iter_value(i)));
        return fact;
}
