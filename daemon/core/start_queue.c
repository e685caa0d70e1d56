#include "start_queue.h"

#include "strutil.h"

int start_order(const struct start_entry *a, const struct start_entry *b) {
        if (a->priority != b->priority)
                return a->priority > b->priority ? -1 : 1;
        return a->number < b->number ? -1 : a->number > b->number;
}

static bool waits_for_others(const struct start_entry *entry) {
        return !entry->beside && entry->overlap != OVERLAP_ALLOW;
}

static bool are_of_one_group(const struct start_entry *a, const struct start_entry *b) {
        return a->group != 0 && a->group == b->group;
}

/* Of two that are in the way: one that has begun, then the older of those; of queued ones the one that goes last. */
static bool is_nearer(const struct start_entry *a, const struct start_entry *b) {
        if (a->queued != b->queued)
                return b->queued;
        return a->queued ? start_order(a, b) > 0 : a->number < b->number;
}

size_t start_blocker(const struct start_entry *entries, size_t n, size_t i) {
        const struct start_entry *entry = &entries[i];
        size_t blocker = n;

        if (!waits_for_others(entry))
                return n;
        for (size_t k = 0; k < n; k++) {
                const struct start_entry *other = &entries[k];

                if (k == i || !streq(other->job, entry->job) || are_of_one_group(other, entry))
                        continue;
                if (other->queued && (!waits_for_others(other) || start_order(other, entry) > 0))
                        continue;
                if (blocker == n || is_nearer(other, &entries[blocker]))
                        blocker = k;
        }
        return blocker;
}

bool start_replaces(const struct start_entry *fresh, const struct start_entry *other) {
        return fresh->overlap == OVERLAP_REPLACE && !fresh->beside && fresh->group == 0 && other->group == 0 &&
               streq(fresh->job, other->job);
}

enum start_verdict start_decide(const struct start_entry *fresh, const struct start_entry *entries, size_t n,
                                size_t *ret_other) {
        size_t other = n;

        for (size_t i = 0; i < n; i++)
                if (streq(entries[i].job, fresh->job) && entries[i].group == 0 &&
                    (other == n || is_nearer(&entries[i], &entries[other])))
                        other = i;
        *ret_other = other;
        if (other == n || fresh->beside || fresh->group != 0)
                return START_ENTERS;
        switch (fresh->overlap) {
        case OVERLAP_REJECT:
                return START_REFUSED;
        case OVERLAP_REPLACE:
                return START_REPLACES;
        case OVERLAP_QUEUE:
        case OVERLAP_ALLOW:
                return START_ENTERS;
        }
        return START_REFUSED;
}
