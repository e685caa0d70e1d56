/* When a calendar expression elapses. */
#include "calendar.h"

#include <errno.h>

#include "calendar_fields.h"
#include "civil.h"

#define SECONDS_PER_DAY 86400
#define USEC ((int64_t)USEC_PER_SEC)

/* The least value from `value` on that the component has; *least is lowered to it. */
static void consider(struct calendar_component c, int value, int *least) {
        int next = c.start;

        if (next < value) {
                if (c.repeat == 0)
                        return;
                next += (value - next + c.repeat - 1) / c.repeat * c.repeat;
                if (c.stop >= 0 && next > c.stop)
                        return;
        }
        if (next < *least)
                *least = next;
}

/* The least value of the field from `value` to `max`, or -1. */
static int next_in_field(const struct calendar_field *field, int value, int max) {
        int least = max + 1;

        if (field->count == 0)
                least = value;
        for (size_t i = 0; i < field->count; i++)
                consider(field->components[i], value, &least);
        return least <= max ? least : -1;
}

static bool day_matches(const struct calendar *calendar, struct civil_date date) {
        int days = civil_days_in_month(date.year, date.month), least = days + 1;

        if (calendar->weekdays && !(calendar->weekdays & (1U << civil_weekday(civil_to_days(date)))))
                return false;
        if (!calendar->end_of_month)
                return next_in_field(&calendar->day, date.day, days) == date.day;
        for (size_t i = 0; i < calendar->day.count; i++) {
                struct calendar_component c = calendar->day.components[i];
                int first = days + 1 - c.start, last = c.stop >= 0 ? days + 1 - c.stop : -1;

                /* Counted from the end, a range's last day comes first. */
                c.start = last >= 0 ? last : first;
                c.stop = last >= 0 ? first : -1;
                consider(c, date.day, &least);
        }
        return calendar->day.count == 0 || least == date.day;
}

/* The first matching date from `date` on. */
static bool next_date(const struct calendar *calendar, struct civil_date date, struct civil_date *ret) {
        for (;;) {
                int year = next_in_field(&calendar->year, date.year, CALENDAR_LAST_YEAR), month;

                if (year < 0)
                        return false;
                if (year != date.year)
                        date = (struct civil_date){year, 1, 1};
                month = next_in_field(&calendar->month, date.month, 12);
                if (month < 0) {
                        date = (struct civil_date){year + 1, 1, 1};
                        continue;
                }
                if (month != date.month)
                        date = (struct civil_date){year, month, 1};
                for (; date.day <= civil_days_in_month(year, month); date.day++)
                        if (day_matches(calendar, date)) {
                                *ret = date;
                                return true;
                        }
                date = month < 12 ? (struct civil_date){year, month + 1, 1} : (struct civil_date){year + 1, 1, 1};
        }
}

/* The first matching time of a day from `usec` (since midnight) on. */
static bool next_time(const struct calendar *calendar, int64_t usec, int64_t *ret) {
        int hour = (int)(usec / (3600 * USEC)), minute = (int)(usec / (60 * USEC) % 60),
            second = (int)(usec % (60 * USEC));

        while (hour < 24) {
                int next = next_in_field(&calendar->hour, hour, 23);

                if (next < 0)
                        return false;
                if (next != hour)
                        minute = second = 0;
                hour = next;
                next = minute < 60 ? next_in_field(&calendar->minute, minute, 59) : -1;
                if (next < 0) {
                        hour++;
                        minute = second = 0;
                        continue;
                }
                if (next != minute)
                        second = 0;
                minute = next;
                next = next_in_field(&calendar->second, second, CALENDAR_SECONDS_MAX);
                if (next < 0) {
                        minute++;
                        second = 0;
                        continue;
                }
                *ret = (hour * 60 + minute) * 60 * USEC + next;
                return true;
        }
        return false;
}

/* The first matching local time from `local` on (both in microseconds as if they were UTC). */
static bool next_local(const struct calendar *calendar, int64_t local, int64_t *ret) {
        int64_t days = floor_div(local, SECONDS_PER_DAY * USEC), time = local - days * SECONDS_PER_DAY * USEC;
        struct civil_date date = civil_from_days(days), found;

        if (date.year < CALENDAR_FIRST_YEAR) {
                date = (struct civil_date){CALENDAR_FIRST_YEAR, 1, 1};
                time = 0;
        }
        if (!next_date(calendar, date, &found))
                return false;
        if (civil_to_days(found) != civil_to_days(date)) {
                time = 0;
        } else if (!next_time(calendar, time, ret)) {
                if (!next_date(calendar, civil_from_days(civil_to_days(date) + 1), &found))
                        return false;
                time = 0;
        }
        if (!next_time(calendar, time, ret))
                return false;
        *ret += civil_to_days(found) * SECONDS_PER_DAY * USEC;
        return true;
}

static bool names_every_hour(const struct calendar *calendar) {
        for (int hour = 0; hour < 24; hour++)
                if (next_in_field(&calendar->hour, hour, 23) != hour)
                        return false;
        return true;
}

/* Elapsed time counts: the first instant whose local time matches, a segment of equal offset after the other. */
static int next_elapsed(const struct calendar *calendar, const struct zone *zone, int64_t from, int64_t *ret) {
        for (;;) {
                struct zone_segment segment = zone_segment_at(zone, floor_div(from, USEC));
                int64_t local;

                if (!next_local(calendar, from + segment.offset * USEC, &local))
                        return -ENOENT;
                *ret = local - segment.offset * USEC;
                if (segment.end == INT64_MAX || *ret < segment.end * USEC)
                        return 0;
                from = segment.end * USEC;
        }
}

/* Each local date and time fires once. */
static int next_of_day(const struct calendar *calendar, const struct zone *zone, int64_t after, int64_t *ret,
                       enum zone_local_kind *ret_kind) {
        struct zone_segment segment = zone_segment_at(zone, floor_div(after, USEC));
        int64_t local = after + segment.offset * USEC;

        /* What clocks show the second time has fired. */
        if (segment.start != INT64_MIN && local < (segment.start + segment.offset_before) * USEC)
                local = (segment.start + segment.offset_before) * USEC - 1;
        while (next_local(calendar, local + 1, &local)) {
                int64_t seconds = floor_div(local, USEC), utc;
                enum zone_local_kind kind = zone_resolve_local(zone, seconds, &utc);

                utc *= USEC;
                if (kind != ZONE_LOCAL_GAP)
                        utc += local - seconds * USEC;
                if (utc > after) {
                        *ret = utc;
                        *ret_kind = kind;
                        return 0;
                }
        }
        return -ENOENT;
}

int calendar_next(const struct calendar *calendar, const struct zone *zone, usec_t after, usec_t *ret,
                  enum zone_local_kind *ret_kind) {
        enum zone_local_kind kind = ZONE_LOCAL_ONCE;
        int64_t next;
        int r;

        if (after > (usec_t)(INT64_MAX / 2))
                return -ENOENT;
        if (names_every_hour(calendar))
                r = next_elapsed(calendar, zone, (int64_t)after + 1, &next);
        else
                r = next_of_day(calendar, zone, (int64_t)after, &next, &kind);
        if (r < 0)
                return r;
        *ret = (usec_t)next;
        if (ret_kind)
                *ret_kind = kind;
        return 0;
}
