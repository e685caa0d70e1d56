/* The circuit breaker of a step: so many failures in a row open it, and while it is open the step is not tried; after
 * the reset time one attempt probes whether it works again (half-open), and the others wait for its end. Pure: instants
 * are CLOCK_REALTIME, for they are kept over reboots; a clock that is set back never lengthens the wait beyond the
 * reset time. */
#pragma once

#include <stdbool.h>

#include "timeutil.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_rule {
        unsigned failures; /* in a row; over 0 */
        usec_t reset;
};

struct breaker {
        unsigned failures; /* in a row, up to now */
        usec_t opened_at;  /* 0: it is closed */
        usec_t until;      /* from then on it lets one probe through */
        bool is_probed;    /* the probe is on its way */
};

enum breaker_state breaker_state(const struct breaker *breaker, usec_t now);
const char *breaker_state_to_string(enum breaker_state state);

enum breaker_answer {
        BREAKER_LETS_THROUGH,
        BREAKER_PROBES, /* let through as the probe: its end decides */
        BREAKER_REFUSES,
};
/* An attempt wants to begin. */
enum breaker_answer breaker_ask(struct breaker *breaker, const struct breaker_rule *rule, usec_t now);
/* The step succeeded. True when that closed it. */
bool breaker_succeeded(struct breaker *breaker);
/* It failed, all its retries included. True when that opened it (anew, where the probe failed). */
bool breaker_failed(struct breaker *breaker, const struct breaker_rule *rule, bool was_probe, usec_t now);
