#include "zone_rule.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "civil.h"

static bool take_char(const char **p, char c) {
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

/* Up to three digits, from minimum to maximum. */
static bool take_number(const char **p, int minimum, int maximum, int *ret) {
        int number = 0, digits = 0;

        while (isdigit((unsigned char)**p) && digits < 4) {
                number = number * 10 + (*(*p)++ - '0');
                digits++;
        }
        *ret = number;
        return digits > 0 && digits < 4 && number >= minimum && number <= maximum;
}

/* Letters, or anything in <>. */
static bool take_name(const char **p) {
        const char *start = *p;

        if (take_char(p, '<')) {
                const char *end = strchr(*p, '>');

                if (!end)
                        return false;
                *p = end + 1;
                return true;
        }
        while (isalpha((unsigned char)**p))
                (*p)++;
        return *p - start >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(const char **p, int hours_max, int32_t *ret) {
        int sign = take_char(p, '-') ? -1 : 1, hours, minutes = 0, seconds = 0;

        if (sign > 0)
                (void)take_char(p, '+');
        if (!take_number(p, 0, hours_max, &hours))
                return false;
        if (take_char(p, ':')) {
                if (!take_number(p, 0, 59, &minutes))
                        return false;
                if (take_char(p, ':') && !take_number(p, 0, 59, &seconds))
                        return false;
        }
        *ret = sign * (hours * 3600 + minutes * 60 + seconds);
        return true;
}

static bool take_day(const char **p, struct rule_day *ret) {
        bool taken;

        *ret = (struct rule_day){.time = 2 * 3600};
        if (take_char(p, 'M')) {
                ret->kind = RULE_DAY_WEEK;
                taken = take_number(p, 1, 12, &ret->month) && take_char(p, '.') && take_number(p, 1, 5, &ret->week) &&
                        take_char(p, '.') && take_number(p, 0, 6, &ret->day);
        } else if (take_char(p, 'J')) {
                ret->kind = RULE_DAY_JULIAN;
                taken = take_number(p, 1, 365, &ret->day);
        } else {
                ret->kind = RULE_DAY_ZERO_BASED;
                taken = take_number(p, 0, 365, &ret->day);
        }
        if (taken && take_char(p, '/'))
                taken = take_time(p, 167, &ret->time);
        return taken;
}

int zone_rule_parse(const char *text, struct zone_rule *ret) {
        struct zone_rule rule = {0};
        const char *p = text;

        /* POSIX counts west of Greenwich. */
        if (!take_name(&p) || !take_time(&p, 24, &rule.standard))
                return -EINVAL;
        rule.standard = -rule.standard;
        if (*p) {
                rule.has_dst = true;
                rule.dst = rule.standard + 3600;
                if (!take_name(&p))
                        return -EINVAL;
                if (*p != ',') {
                        if (!take_time(&p, 24, &rule.dst))
                                return -EINVAL;
                        rule.dst = -rule.dst;
                }
                if (!take_char(&p, ',') || !take_day(&p, &rule.start) || !take_char(&p, ',') ||
                    !take_day(&p, &rule.end) || *p)
                        return -EINVAL;
        }
        *ret = rule;
        return 0;
}

static int64_t day_of_week(const struct rule_day *day, int year) {
        int64_t first = civil_to_days((struct civil_date){year, day->month, 1});
        /* The rule's days begin with Sunday, ours with Monday. */
        int wanted = (day->day + 6) % 7, offset = (wanted - civil_weekday(first) + 7) % 7 + (day->week - 1) * 7;

        while (offset >= civil_days_in_month(year, day->month))
                offset -= 7;
        return first + offset;
}

/* Local seconds, as if they were UTC. */
static int64_t local_instant(const struct rule_day *day, int year) {
        int64_t days = 0;

        switch (day->kind) {
        case RULE_DAY_WEEK:
                days = day_of_week(day, year);
                break;
        case RULE_DAY_JULIAN:
                days = civil_to_days((struct civil_date){year, 1, 1}) + day->day - 1;
                days += day->day >= 60 && civil_days_in_month(year, 2) == 29;
                break;
        case RULE_DAY_ZERO_BASED:
                days = civil_to_days((struct civil_date){year, 1, 1}) + day->day;
                break;
        }
        return days * 86400 + day->time;
}

void zone_rule_transitions(const struct zone_rule *rule, int year, int64_t *ret_dst, int64_t *ret_standard) {
        *ret_dst = local_instant(&rule->start, year) - rule->standard;
        *ret_standard = local_instant(&rule->end, year) - rule->dst;
}
