#include "civil.h"

#define DAYS_PER_ERA 146097 /* 400 years */
#define EPOCH_DAYS 719468   /* from 0000-03-01 to 1970-01-01 */

int64_t floor_div(int64_t value, int64_t divisor) {
        return value / divisor - (value % divisor < 0);
}

int64_t civil_to_days(struct civil_date date) {
        int64_t year = date.year - (date.month <= 2), era = floor_div(year, 400);
        int64_t year_of_era = year - era * 400;
        int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

        return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

struct civil_date civil_from_days(int64_t days) {
        int64_t shifted = days + EPOCH_DAYS, era = floor_div(shifted, DAYS_PER_ERA);
        int64_t day = shifted - era * DAYS_PER_ERA;
        int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
        int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
        int month = (int)((5 * day_of_year + 2) / 153);
        struct civil_date date = {
                .year = (int)(year + era * 400),
                .month = month < 10 ? month + 3 : month - 9,
                .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        };

        date.year += date.month <= 2;
        return date;
}

int civil_days_in_month(int year, int month) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && leap);
}

int civil_weekday(int64_t days) {
        /* 1970-01-01 was a Thursday. */
        return (int)(days + 3 - floor_div(days + 3, 7) * 7);
}
