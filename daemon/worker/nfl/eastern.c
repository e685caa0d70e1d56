#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "eastern.h"
#include "fileutil.h"
#include "macro.h"

#define ZONE "America/New_York"
#define ZONE_RULE "EST5EDT,M3.2.0,M11.1.0"

void eastern_init(void) {
        const char *folder = getenv("TZDIR");
        _cleanup_free_ char *path = path_join(folder && *folder ? folder : "/usr/share/zoneinfo", ZONE);
        /* glibc takes a zone that it does not find for UTC without a word. */
        (void)setenv("TZ", access(path, R_OK) == 0 ? ":" ZONE : ZONE_RULE, 1);
        tzset();
}

day_t eastern_day(usec_t instant) {
        time_t seconds = (time_t)(instant / USEC_PER_SEC);
        struct tm local;
        if (!localtime_r(&seconds, &local))
                return 0;
        return day_from_date(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

int day_of_week(day_t day) {
        return (int)(((day % 7) + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
}

/* Days in the years and months before, counted from 1 March so that the leap day is a year's last (Hinnant,
 * chrono-compatible low-level date algorithms, "days_from_civil"). */
day_t day_from_date(int year, int month, int day) {
        int y = month <= 2 ? year - 1 : year;
        int era = (y >= 0 ? y : y - 399) / 400;
        int year_of_era = y - era * 400;
        int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return era * 146097 + day_of_era - 719468;
}

void day_to_date(day_t day, int *ret_year, int *ret_month, int *ret_day) {
        int shifted = day + 719468;
        int era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
        int day_of_era = shifted - era * 146097;
        int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int month = (5 * day_of_year + 2) / 153;
        *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
        *ret_month = month < 10 ? month + 3 : month - 9;
        *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

int day_parse(const char *text, day_t *ret) {
        char digits[9];
        size_t length = 0;
        for (const char *c = text; *c; c++) {
                if (*c == '-' && (c - text == 4 || c - text == 7))
                        continue;
                if (!isdigit((unsigned char)*c) || length == 8)
                        return -EBADMSG;
                digits[length++] = *c;
        }
        if (length != 8)
                return -EBADMSG;
        digits[8] = '\0';
        int number = (int)strtol(digits, NULL, 10), year, month, day;
        if (number / 100 % 100 < 1 || number / 100 % 100 > 12)
                return -EBADMSG;
        day_t found = day_from_date(number / 10000, number / 100 % 100, number % 100);
        day_to_date(found, &year, &month, &day);
        if (day != number % 100 || month != number / 100 % 100)
                return -EBADMSG;
        *ret = found;
        return 0;
}

char *day_format(char ret[static DAY_SIZE], day_t day) {
        int year, month, number;
        day_to_date(day, &year, &month, &number);
        (void)snprintf(ret, DAY_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
                       (unsigned)number % 100);
        return ret;
}
