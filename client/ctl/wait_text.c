#include "wait_text.h"

#include <inttypes.h>

#include "strutil.h"
#include "text.h"
#include "view.h"
#include "xalloc.h"

static char *text_wait_for_run(const struct jval *wait) {
        char span[TEXT_SIZE];
        usec_t since = get_instant(wait, "started_at"), now = now_realtime();
        int64_t number = jval_get_int(wait, "run_number", 0);
        const char *status = str_or(jval_get_str(wait, "status"), "?");

        if (since == 0 || since > now)
                return xasprintf("for %s #%" PRIi64 ", %s", str_or(jval_get_str(wait, "job"), "run"), number, status);
        return xasprintf("for %s #%" PRIi64 ", %s since %s", str_or(jval_get_str(wait, "job"), "run"), number, status,
                         text_duration(span, (double)(now - since) / (double)USEC_PER_SEC));
}

/* "for limit warehouse, 20 of 20 slots taken, by nightly #41 load and 19 more" */
static char *text_wait_for_limit(const struct jval *wait) {
        const struct jval *holders = jval_get(wait, "holders"), *first = jval_at(holders, 0);
        int64_t wants = jval_get_int(wait, "wants", 1), slots = jval_get_int(wait, "slots", 0);
        _cleanup_free_ char *more = NULL, *by = NULL;

        if (slots == 0)
                return xasprintf("for limit %s, which is closed (Slots=0)", str_or(jval_get_str(wait, "limit"), "?"));
        if (jval_array_size(holders) > 1)
                more = xasprintf(" and %zu more", jval_array_size(holders) - 1);
        if (first)
                by = xasprintf(", by %s #%" PRIi64 "%s%s%s", str_or(jval_get_str(first, "job"), "run"),
                               jval_get_int(first, "run_number", 0), jval_get_str(first, "step") ? " " : "",
                               str_or(jval_get_str(first, "step"), ""), str_or(more, ""));
        return xasprintf("for %" PRIi64 " of limit %s, %" PRIi64 " of %" PRIi64 " slots taken%s", wants,
                         str_or(jval_get_str(wait, "limit"), "?"), jval_get_int(wait, "used", 0), slots,
                         str_or(by, ""));
}

/* As a pause is told elsewhere: there its beginning is `since`. */
static char *text_held_back(const struct jval *wait, bool utc) {
        _cleanup_jval_ struct jval *held = jval_deep_copy(wait);
        _cleanup_free_ char *text = NULL;

        jval_set(held, "since", jval_ref(jval_get(wait, "held_since")));
        text = text_held(held, utc);
        return xasprintf("%s %s", str_or(jval_get_str(wait, "kind"), ""), text);
}

char *text_wait(const struct jval *waits_for, bool utc) {
        const char *kind = jval_get_str(waits_for, "kind");

        if (!kind)
                return NULL;
        if (streq(kind, "run"))
                return text_wait_for_run(waits_for);
        if (streq(kind, "paused") || streq(kind, "drained"))
                return text_held_back(waits_for, utc);
        if (streq(kind, "not_ready"))
                return xasprintf("until it is ready: %s",
                                 str_or(jval_get_str(waits_for, "said"), "its ReadyWhen= is being asked"));
        if (streq(kind, "limit"))
                return text_wait_for_limit(waits_for);
        if (streq(kind, "limit_order"))
                return xasprintf("for %s #%" PRIi64 ": their steps could wait for each other's limits",
                                 str_or(jval_get_str(waits_for, "job"), "run"),
                                 jval_get_int(waits_for, "run_number", 0));
        return xstrdup(kind);
}
