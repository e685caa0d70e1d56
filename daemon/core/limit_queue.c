#include "limit_queue.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

/* What is known of one limit while the waiters are served. */
struct limit_state {
        unsigned used;
        bool kept;       /* for somebody who waits: others do not slip by */
        bool kept_first; /* for a step of a holder */
};

struct settling {
        const struct limit_set *set;
        struct limit_state *states;
        bool *leads_to; /* [a * count + b]: a run that holds a has steps that take b */
};

static size_t index_of(const struct limit_set *set, const char *name) {
        const struct limit *limit = limit_set_find(set, name);

        return limit ? (size_t)(limit - set->items) : SIZE_MAX;
}

unsigned limit_queue_used(const char *name, const struct limit_claim *holders, size_t n_holders) {
        unsigned used = 0;

        for (size_t i = 0; i < n_holders; i++) {
                const struct limit_use *use = limit_uses_find(holders[i].uses, name);

                used += use ? use->slots : 0;
        }
        return used;
}

static int compare_waiters(const void *a, const void *b) {
        const struct limit_claim *x = *(struct limit_claim *const *)a, *y = *(struct limit_claim *const *)b;

        if (x->of_holder != y->of_holder)
                return x->of_holder ? -1 : 1;
        if (x->priority != y->priority)
                return x->priority > y->priority ? -1 : 1;
        if (x->since != y->since)
                return x->since < y->since ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

static void note_taken(const struct settling *settling, const struct limit_uses *uses) {
        for (size_t i = 0; i < uses->count; i++) {
                size_t at = index_of(settling->set, uses->items[i].name);

                if (at != SIZE_MAX)
                        settling->states[at].used += uses->items[i].slots;
        }
}

/* Of a run: from all that it holds to all that its steps may take. */
static void note_order(const struct settling *settling, const struct limit_claim *claim, bool *leads_to) {
        size_t n = settling->set->count;

        for (size_t i = 0; claim->plan && i < claim->uses->count; i++) {
                size_t from = index_of(settling->set, claim->uses->items[i].name);

                for (size_t k = 0; from != SIZE_MAX && k < claim->plan->n_steps; k++) {
                        const struct limit_uses *uses = &claim->plan->steps[k].step->limits;

                        for (size_t u = 0; u < uses->count; u++) {
                                size_t to = index_of(settling->set, uses->items[u].name);

                                if (to != SIZE_MAX)
                                        leads_to[from * n + to] = true;
                        }
                }
        }
}

/* Takes away, again and again, the limits that lead to none: what is left then is a circle. */
static bool has_circle(const bool *leads_to, size_t n) {
        _cleanup_free_ bool *gone = xcalloc(n + 1, sizeof(*gone));
        size_t left = n;
        bool any = true;

        while (any) {
                any = false;
                for (size_t a = 0; a < n; a++) {
                        bool leads = false;

                        for (size_t b = 0; b < n && !leads; b++)
                                leads = leads_to[a * n + b] && !gone[b];
                        if (gone[a] || leads)
                                continue;
                        gone[a] = any = true;
                        left--;
                }
        }
        return left > 0;
}

static bool makes_circle(const struct settling *settling, const struct limit_claim *claim) {
        size_t n = settling->set->count;
        _cleanup_free_ bool *with = NULL;

        if (!claim->plan || n == 0)
                return false;
        with = xmemdup(settling->leads_to, n * n * sizeof(*with));
        note_order(settling, claim, with);
        return has_circle(with, n);
}

/* The first limit that does not have what is wanted, or NULL. One that wants more than there are takes all of them. */
static const struct limit_use *find_lacking(const struct settling *settling, const struct limit_claim *claim) {
        for (size_t i = 0; i < claim->uses->count; i++) {
                const struct limit_use *use = &claim->uses->items[i];
                size_t at = index_of(settling->set, use->name);
                const struct limit_state *state = &settling->states[at == SIZE_MAX ? 0 : at];
                unsigned slots = at == SIZE_MAX ? 0 : settling->set->items[at].slots;

                if (at == SIZE_MAX)
                        continue; /* it is bounded no more */
                if (slots == 0 || state->used + MIN(use->slots, slots) > slots)
                        return use;
                if (claim->of_holder ? state->kept_first : state->kept)
                        return use;
        }
        return NULL;
}

static bool wants_closed(const struct settling *settling, const struct limit_uses *uses) {
        for (size_t i = 0; i < uses->count; i++) {
                const struct limit *limit = limit_set_find(settling->set, uses->items[i].name);

                if (limit && limit->slots == 0)
                        return true;
        }
        return false;
}

static void keep(const struct settling *settling, const struct limit_uses *uses) {
        for (size_t i = 0; i < uses->count; i++) {
                size_t at = index_of(settling->set, uses->items[i].name);

                if (at != SIZE_MAX)
                        settling->states[at].kept = true;
        }
}

static void keep_for(const struct settling *settling, const struct limit_claim *claim) {
        size_t at = claim->lacks ? index_of(settling->set, claim->lacks->name) : SIZE_MAX;

        if (wants_closed(settling, claim->uses))
                return;
        keep(settling, claim->uses);
        if (claim->of_holder && at != SIZE_MAX)
                settling->states[at].kept_first = true;
        /* Else runs that lead the other way could follow one upon the other without end. */
        for (size_t i = 0; claim->in_a_circle && i < claim->plan->n_steps; i++)
                keep(settling, &claim->plan->steps[i].step->limits);
}

static void serve(const struct settling *settling, struct limit_claim *claim) {
        claim->lacks = find_lacking(settling, claim);
        claim->in_a_circle = !claim->lacks && makes_circle(settling, claim);
        claim->granted = !claim->lacks && !claim->in_a_circle;
        if (!claim->granted) {
                keep_for(settling, claim);
                return;
        }
        note_taken(settling, claim->uses);
        note_order(settling, claim, settling->leads_to);
}

void limit_queue_settle(const struct limit_set *set, const struct limit_claim *holders, size_t n_holders,
                        struct limit_claim **waiters, size_t n_waiters) {
        _cleanup_free_ struct limit_state *states = xcalloc(set->count + 1, sizeof(*states));
        _cleanup_free_ bool *leads_to = xcalloc(set->count * set->count + 1, sizeof(*leads_to));
        const struct settling settling = {set, states, leads_to};

        for (size_t i = 0; i < n_holders; i++) {
                note_taken(&settling, holders[i].uses);
                note_order(&settling, &holders[i], leads_to);
        }
        if (n_waiters > 0)
                qsort(waiters, n_waiters, sizeof(struct limit_claim *), compare_waiters);
        for (size_t i = 0; i < n_waiters; i++)
                serve(&settling, waiters[i]);
}
