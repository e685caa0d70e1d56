#include "breaker.h"

#include <limits.h>

enum breaker_state breaker_state(const struct breaker *breaker, usec_t now) {
        if (breaker->opened_at == 0)
                return BREAKER_CLOSED;
        return breaker->is_probed || now >= breaker->until ? BREAKER_HALF_OPEN : BREAKER_OPEN;
}

const char *breaker_state_to_string(enum breaker_state state) {
        switch (state) {
        case BREAKER_CLOSED:
                return "closed";
        case BREAKER_OPEN:
                return "open";
        case BREAKER_HALF_OPEN:
                return "half_open";
        }
        return NULL;
}

enum breaker_answer breaker_ask(struct breaker *breaker, const struct breaker_rule *rule, usec_t now) {
        if (breaker->opened_at == 0)
                return BREAKER_LETS_THROUGH;
        if (breaker->until > now && breaker->until - now > rule->reset)
                breaker->until = now + rule->reset;
        if (breaker->is_probed || now < breaker->until)
                return BREAKER_REFUSES;
        breaker->is_probed = true;
        return BREAKER_PROBES;
}

bool breaker_succeeded(struct breaker *breaker) {
        bool was_open = breaker->opened_at != 0;

        *breaker = (struct breaker){0};
        return was_open;
}

bool breaker_failed(struct breaker *breaker, const struct breaker_rule *rule, bool was_probe, usec_t now) {
        bool is_open = breaker->opened_at != 0;

        if (breaker->failures < UINT_MAX)
                breaker->failures++;
        if (was_probe)
                breaker->is_probed = false;
        /* What was begun before it opened and fails now adds nothing. */
        if (rule->failures == 0 || breaker->failures < rule->failures || (is_open && !was_probe))
                return false;
        if (!is_open)
                breaker->opened_at = now;
        breaker->until = now + rule->reset;
        return true;
}
