/* The rule at the end of a TZif file: POSIX's TZ string with the extensions of RFC 8536, section 3.3.1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum rule_day_kind { RULE_DAY_JULIAN, RULE_DAY_ZERO_BASED, RULE_DAY_WEEK };

struct rule_day {
        enum rule_day_kind kind;
        int day;         /* Jn: 1..365 without February 29; n: 0..365; Mm.w.d: 0 (Sunday)..6 */
        int month, week; /* Mm.w.d; week 5 is the last */
        int32_t time;    /* seconds after local midnight, -167 h to 167 h */
};

struct zone_rule {
        int32_t standard, dst; /* seconds east of UTC */
        bool has_dst;
        struct rule_day start, end; /* of daylight saving time */
};

/* 0 or -EINVAL. */
int zone_rule_parse(const char *text, struct zone_rule *ret);
/* The instants (UTC) of a year at which it begins and ends. */
void zone_rule_transitions(const struct zone_rule *rule, int year, int64_t *ret_dst, int64_t *ret_standard);
