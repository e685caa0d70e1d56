/* Dates of the proleptic Gregorian calendar as numbers of days. Pure arithmetic: no zone, no clock.
 * The algorithms are those of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct civil_date {
        int year;
        int month; /* 1..12 */
        int day;   /* 1..31 */
};

/* Days since 1970-01-01; the date must exist. */
int64_t civil_to_days(struct civil_date date);
struct civil_date civil_from_days(int64_t days);
int civil_days_in_month(int year, int month);
/* 0 is Monday. */
int civil_weekday(int64_t days);
/* Rounds towards minus infinity, as the days before 1970 need it. divisor > 0. */
int64_t floor_div(int64_t value, int64_t divisor);
