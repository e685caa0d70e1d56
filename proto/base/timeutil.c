#include "timeutil.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "macro.h"
#include "strutil.h"

static usec_t now(clockid_t clock) {
        struct timespec ts;

        (void)clock_gettime(clock, &ts);
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t now_realtime(void) {
        return now(CLOCK_REALTIME);
}

usec_t now_boottime(void) {
        return now(CLOCK_BOOTTIME);
}

int boot_id(char ret[static 37]) {
        _cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        char text[37];

        if (fd < 0)
                return -errno;
        if (read(fd, text, 36) != 36)
                return -EIO;
        text[36] = 0;
        memcpy(ret, text, sizeof(text));
        return 0;
}

char *format_rfc3339(char ret[static RFC3339_SIZE], usec_t realtime) {
        time_t seconds = (time_t)(realtime / USEC_PER_SEC);
        struct tm tm;

        ret[0] = 0;
        if (realtime == 0 || realtime == USEC_INFINITY || !gmtime_r(&seconds, &tm))
                return ret;
        (void)snprintf(ret, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)(tm.tm_year + 1900) % 10000,
                       (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                       (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)(realtime % USEC_PER_SEC));
        return ret;
}

char *format_time_local(char ret[static RFC3339_SIZE], usec_t realtime, bool utc) {
        time_t seconds = (time_t)(realtime / USEC_PER_SEC);
        struct tm tm;

        ret[0] = 0;
        if (realtime == 0 || realtime == USEC_INFINITY || !(utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)))
                return ret;
        (void)strftime(ret, RFC3339_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
        return ret;
}

/* Exactly n digits; returns the value or -1. */
static int take_digits(const char **text, unsigned n) {
        int value = 0;

        for (unsigned i = 0; i < n; i++, (*text)++) {
                if (!isdigit((unsigned char)**text))
                        return -1;
                value = value * 10 + (**text - '0');
        }
        return value;
}

static bool take_char(const char **text, const char *allowed) {
        if (!**text || !strchr(allowed, **text))
                return false;
        (*text)++;
        return true;
}

static int take_fraction(const char **text, usec_t *ret) {
        usec_t scale = USEC_PER_SEC, value = 0;

        if (!isdigit((unsigned char)**text))
                return -EINVAL;
        for (; isdigit((unsigned char)**text); (*text)++)
                if (scale > 1) {
                        scale /= 10;
                        value += (usec_t)(**text - '0') * scale;
                }
        *ret = value;
        return 0;
}

/* "Z" or +HH:MM; the offset in seconds east of UTC. */
static int take_offset(const char **text, int *ret) {
        bool west;
        int hours, minutes;

        if (take_char(text, "Zz")) {
                *ret = 0;
                return 0;
        }
        west = **text == '-';
        if (!take_char(text, "+-"))
                return -EINVAL;
        hours = take_digits(text, 2);
        if (hours < 0 || hours > 23 || !take_char(text, ":"))
                return -EINVAL;
        minutes = take_digits(text, 2);
        if (minutes < 0 || minutes > 59)
                return -EINVAL;
        *ret = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
        return 0;
}

static bool calendar_is_valid(const struct tm *tm) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        int year = tm->tm_year + 1900;
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        if (year < 1970 || tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1)
                return false;
        if (tm->tm_mday > days[tm->tm_mon] + (tm->tm_mon == 1 && leap))
                return false;
        return tm->tm_hour >= 0 && tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 &&
               tm->tm_sec <= 60;
}

int parse_rfc3339(const char *text, usec_t *ret) {
        struct tm tm = {0};
        usec_t fraction = 0;
        int offset, r;
        int64_t seconds;

        tm.tm_year = take_digits(&text, 4) - 1900;
        if (!take_char(&text, "-"))
                return -EINVAL;
        tm.tm_mon = take_digits(&text, 2) - 1;
        if (!take_char(&text, "-"))
                return -EINVAL;
        tm.tm_mday = take_digits(&text, 2);
        if (!take_char(&text, "Tt "))
                return -EINVAL;
        tm.tm_hour = take_digits(&text, 2);
        if (!take_char(&text, ":"))
                return -EINVAL;
        tm.tm_min = take_digits(&text, 2);
        if (!take_char(&text, ":"))
                return -EINVAL;
        tm.tm_sec = take_digits(&text, 2);
        if (!calendar_is_valid(&tm))
                return -EINVAL;
        if (take_char(&text, ".")) {
                r = take_fraction(&text, &fraction);
                if (r < 0)
                        return r;
        }
        r = take_offset(&text, &offset);
        if (r < 0 || *text)
                return -EINVAL;
        seconds = (int64_t)timegm(&tm) - offset;
        if (seconds < 0)
                return -EINVAL;
        *ret = (usec_t)seconds * USEC_PER_SEC + fraction;
        return 0;
}

/* systemd.time(7), "Parsing time spans". */
static const struct {
        const char *names[8];
        usec_t usec;
} span_units[] = {
        {{"us", "usec", "µs", "μs"}, 1},
        {{"ms", "msec"}, USEC_PER_MSEC},
        {{"s", "sec", "second", "seconds"}, USEC_PER_SEC},
        {{"min", "m", "minute", "minutes"}, USEC_PER_MINUTE},
        {{"h", "hr", "hour", "hours"}, USEC_PER_HOUR},
        {{"d", "day", "days"}, USEC_PER_DAY},
        {{"w", "week", "weeks"}, 7 * USEC_PER_DAY},
        {{"month", "months", "M"}, (usec_t)2629800 * USEC_PER_SEC},
        {{"y", "year", "years"}, (usec_t)31557600 * USEC_PER_SEC},
};

static usec_t unit_lookup(const char *name, size_t length) {
        if (length == 0)
                return USEC_PER_SEC;
        for (size_t u = 0; u < ELEMENTSOF(span_units); u++)
                for (size_t i = 0; i < ELEMENTSOF(span_units[u].names) && span_units[u].names[i]; i++)
                        if (strlen(span_units[u].names[i]) == length &&
                            memcmp(span_units[u].names[i], name, length) == 0)
                                return span_units[u].usec;
        return 0;
}

static int take_span_part(const char **text, usec_t *ret) {
        size_t digits = strspn(*text, "0123456789."), length;
        long double number;
        char copy[32];
        double value;
        usec_t unit;

        if (digits == 0 || digits >= sizeof(copy))
                return -EINVAL;
        memcpy(copy, *text, digits);
        copy[digits] = 0;
        if (parse_double(copy, &value) < 0)
                return -EINVAL;
        *text += digits;
        *text += strspn(*text, " \t");
        length = strcspn(*text, " \t0123456789.");
        unit = unit_lookup(*text, length);
        if (unit == 0)
                return -EINVAL;
        *text += length;
        number = (long double)value * (long double)unit;
        if (number >= (long double)USEC_INFINITY)
                return -ERANGE;
        *ret = (usec_t)(number + 0.5L);
        return 0;
}

int parse_timespan(const char *text, usec_t *ret) {
        usec_t sum = 0;
        bool any = false;

        text += strspn(text, " \t");
        if (streq(text, "infinity")) {
                *ret = USEC_INFINITY;
                return 0;
        }
        for (; *text; text += strspn(text, " \t")) {
                usec_t part;
                int r = take_span_part(&text, &part);

                if (r < 0)
                        return r;
                if (part > USEC_INFINITY - 1 - sum)
                        return -ERANGE;
                sum += part;
                any = true;
        }
        if (!any)
                return -EINVAL;
        *ret = sum;
        return 0;
}

char *format_timespan(char ret[static TIMESPAN_SIZE], usec_t span) {
        static const struct {
                const char *name;
                usec_t usec;
        } units[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR}, {"min", USEC_PER_MINUTE}, {"s", USEC_PER_SEC}};

        if (span == USEC_INFINITY) {
                (void)snprintf(ret, TIMESPAN_SIZE, "infinity");
                return ret;
        }
        if (span < USEC_PER_SEC) {
                (void)snprintf(ret, TIMESPAN_SIZE, "%" PRIu64 "ms", span / USEC_PER_MSEC);
                return ret;
        }
        if (span < USEC_PER_MINUTE) {
                usec_t tenths = span / (USEC_PER_SEC / 10);

                (void)snprintf(ret, TIMESPAN_SIZE, tenths % 10 ? "%" PRIu64 ".%" PRIu64 "s" : "%" PRIu64 "s",
                               tenths / 10, tenths % 10);
                return ret;
        }
        for (size_t i = 0; i + 1 < ELEMENTSOF(units); i++) {
                usec_t big = span / units[i].usec, small = span % units[i].usec / units[i + 1].usec;

                if (big == 0)
                        continue;
                if (small > 0)
                        (void)snprintf(ret, TIMESPAN_SIZE, "%" PRIu64 "%s %" PRIu64 "%s", big, units[i].name, small,
                                       units[i + 1].name);
                else
                        (void)snprintf(ret, TIMESPAN_SIZE, "%" PRIu64 "%s", big, units[i].name);
                return ret;
        }
        return ret;
}
