#include "breaker_text.h"

#include <inttypes.h>

#include "strutil.h"
#include "text.h"
#include "xalloc.h"

char *text_breaker(const struct jval *breaker, bool utc) {
        const char *state = str_or(jval_get_str(breaker, "state"), "?");
        const struct jval *probe = jval_get(breaker, "probe");
        char since[TEXT_SIZE], until[TEXT_SIZE], failures[TEXT_SIZE];
        _cleanup_free_ char *window = NULL;

        (void)text_instant(since, breaker, "opened_at", utc);
        if (jval_is_object(probe))
                window = xasprintf(" since %s, run %" PRIi64 " is trying it", since,
                                   jval_get_int(probe, "run_number", 0));
        else if (streq(state, "open"))
                window = xasprintf(" since %s until %s", since, text_instant(until, breaker, "until", utc));
        else if (streq(state, "half_open"))
                window = xasprintf(" since %s, the next run tries it", since);
        return xasprintf(
                "%s%s, after %s%s, the last in run %" PRIi64 ": %s", streq(state, "half_open") ? "half open" : state,
                str_or(window, ""), text_count(failures, jval_get_int(breaker, "failures", 0), "failure"),
                jval_get_int(breaker, "failures", 0) == 1 ? "" : " in a row", jval_get_int(breaker, "run_number", 0),
                str_or(jval_get_str(breaker, "error"), "no reason given"));
}
