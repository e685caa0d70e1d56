#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

static void to_civil(usec_t instant, bool utc, struct tm *ret) {
        time_t seconds = (time_t)(instant / USEC_PER_SEC);
        *ret = (struct tm){0};
        (void)(utc ? gmtime_r(&seconds, ret) : localtime_r(&seconds, ret));
}

static int from_civil(struct tm *civil, bool utc, usec_t *ret) {
        civil->tm_isdst = -1;
        time_t seconds = utc ? timegm(civil) : mktime(civil);
        if (seconds < 0)
                return -EINVAL;
        *ret = (usec_t)seconds * USEC_PER_SEC;
        return 0;
}

static int midnight(usec_t now, int days, bool utc, usec_t *ret) {
        struct tm civil;
        to_civil(now, utc, &civil);
        civil.tm_hour = civil.tm_min = civil.tm_sec = 0;
        civil.tm_mday += days;
        return from_civil(&civil, utc, ret);
}

static int parse_word(const char *text, usec_t now, bool utc, usec_t *ret) {
        static const struct {
                const char *word;
                int days;
        } words[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
        if (streq(text, "now")) {
                *ret = now;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(text, words[i].word))
                        return midnight(now, words[i].days, utc, ret);
        return -EINVAL;
}

static int shift(usec_t now, const char *span_text, bool back, usec_t *ret) {
        usec_t span;
        if (parse_timespan(span_text, &span) < 0 || span == USEC_INFINITY || (back && span > now))
                return -EINVAL;
        *ret = back ? now - span : now + span;
        return 0;
}

static int parse_relative(const char *text, usec_t now, usec_t *ret) {
        if (text[0] == '-' || text[0] == '+')
                return shift(now, text + 1, text[0] == '-', ret);
        if (!endswith(text, " ago"))
                return -EINVAL;
        _cleanup_free_ char *span = xstrndup(text, strlen(text) - strlen(" ago"));
        return shift(now, span, true, ret);
}

static int parse_epoch(const char *text, usec_t *ret) {
        uint64_t seconds;
        if (text[0] != '@' || parse_uint64(text + 1, &seconds) < 0 || seconds > UINT64_MAX / USEC_PER_SEC)
                return -EINVAL;
        *ret = seconds * USEC_PER_SEC;
        return 0;
}

/* Exactly `digits` digits, moving *text on. */
static int take_number(const char **text, int digits, int minimum, int maximum, int *ret) {
        int value = 0;
        for (int i = 0; i < digits; i++) {
                if (!isdigit((unsigned char)(*text)[i]))
                        return -EINVAL;
                value = value * 10 + ((*text)[i] - '0');
        }
        if (value < minimum || value > maximum)
                return -EINVAL;
        *text += digits;
        *ret = value;
        return 0;
}

static int take_clock(const char *text, struct tm *civil) {
        civil->tm_sec = 0;
        if (take_number(&text, 2, 0, 23, &civil->tm_hour) < 0 || *text++ != ':' ||
            take_number(&text, 2, 0, 59, &civil->tm_min) < 0)
                return -EINVAL;
        if (*text == ':') {
                text++;
                if (take_number(&text, 2, 0, 59, &civil->tm_sec) < 0)
                        return -EINVAL;
        }
        return *text == '\0' ? 0 : -EINVAL;
}

static int take_date(const char **text, struct tm *civil) {
        int year, month;
        if (take_number(text, 4, 1970, 9999, &year) < 0 || *(*text)++ != '-' ||
            take_number(text, 2, 1, 12, &month) < 0 || *(*text)++ != '-' ||
            take_number(text, 2, 1, 31, &civil->tm_mday) < 0)
                return -EINVAL;
        civil->tm_year = year - 1900;
        civil->tm_mon = month - 1;
        return 0;
}

static int parse_civil(const char *text, usec_t now, bool utc, usec_t *ret) {
        struct tm civil;
        to_civil(now, utc, &civil);
        if (strlen(text) > 2 && text[2] == ':')
                return take_clock(text, &civil) < 0 ? -EINVAL : from_civil(&civil, utc, ret);
        if (take_date(&text, &civil) < 0)
                return -EINVAL;
        civil.tm_hour = civil.tm_min = civil.tm_sec = 0;
        if (*text == ' ' && take_clock(text + 1, &civil) < 0)
                return -EINVAL;
        if (*text != ' ' && *text != '\0')
                return -EINVAL;
        int day = civil.tm_mday, month = civil.tm_mon;
        int r = from_civil(&civil, utc, ret);
        /* mktime takes 31 February for 3 March; people do not. */
        return r == 0 && (civil.tm_mday != day || civil.tm_mon != month) ? -EINVAL : r;
}

int when_parse(const char *text, usec_t now, bool utc, usec_t *ret) {
        if (parse_rfc3339(text, ret) == 0 || parse_word(text, now, utc, ret) == 0 ||
            parse_relative(text, now, ret) == 0 || parse_epoch(text, ret) == 0)
                return 0;
        if (endswith(text, " UTC")) {
                _cleanup_free_ char *civil = xstrndup(text, strlen(text) - strlen(" UTC"));
                return parse_civil(civil, now, true, ret);
        }
        return parse_civil(text, now, utc, ret);
}
