#include "cri.h"

#include <errno.h>
#include <string.h>

/* "2026-11-22T12:00:00.123456789Z" */
#define STAMP_LEN 30

/* Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
        year -= month <= 2;
        int64_t era = (year >= 0 ? year : year - 399) / 400;
        unsigned year_of_era = (unsigned)(year - era * 400);
        unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

        return era * 146097 + (int64_t)day_of_era - 719468;
}

static void civil_from_days(int64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day) {
        days += 719468;
        int64_t era = days / 146097;
        unsigned day_of_era = (unsigned)(days - era * 146097);
        unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        unsigned month = (5 * day_of_year + 2) / 153;

        *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
        *ret_month = month < 10 ? month + 3 : month - 9;
        *ret_year = (unsigned)(era * 400) + year_of_era + (*ret_month <= 2);
}

/* n decimal digits, or -1. */
static int64_t digits(const char *text, size_t n) {
        int64_t value = 0;

        for (size_t i = 0; i < n; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return -1;
                value = value * 10 + (text[i] - '0');
        }
        return value;
}

static int parse_stamp(const char *text, uint64_t *ret) {
        if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
            text[19] != '.' || text[29] != 'Z')
                return -EBADMSG;
        int64_t year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
        int64_t hour = digits(text + 11, 2), minute = digits(text + 14, 2), second = digits(text + 17, 2);
        int64_t nsec = digits(text + 20, 9);
        if (year < 1970 || year > 2500 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
            minute < 0 || minute > 59 || second < 0 || second > 59 || nsec < 0)
                return -EBADMSG;
        int64_t days = days_from_civil(year, (unsigned)month, (unsigned)day);

        *ret = (uint64_t)(((days * 24 + hour) * 60 + minute) * 60 + second) * NSEC_PER_SEC + (uint64_t)nsec;
        return 0;
}

/* Behind the stamp: " stdout F text" or " stderr P text". */
static int parse_line(const char *line, size_t len, struct cri_line *ret) {
        static const size_t tags = sizeof(" stdout F ") - 1;
        int r;

        if (len < STAMP_LEN + tags)
                return -EBADMSG;
        r = parse_stamp(line, &ret->time_nsec);
        if (r < 0)
                return r;
        const char *stream = line + STAMP_LEN;
        if (memcmp(stream, " stdout ", 8) == 0)
                ret->is_stderr = false;
        else if (memcmp(stream, " stderr ", 8) == 0)
                ret->is_stderr = true;
        else
                return -EBADMSG;
        if ((stream[8] != 'F' && stream[8] != 'P') || stream[9] != ' ')
                return -EBADMSG;
        ret->is_partial = stream[8] == 'P';
        ret->text = stream + tags;
        ret->len = len - STAMP_LEN - tags;
        return 0;
}

int cri_parse(const char *data, size_t len, struct cri_line *ret) {
        size_t reach = len < CRI_LINE_MAX ? len : CRI_LINE_MAX;
        const char *newline = len > 0 ? memchr(data, '\n', reach) : NULL;
        struct cri_line line = {0};
        int r;

        if (!newline) {
                if (len < CRI_LINE_MAX)
                        return 0;
                /* No monitor writes such a line. Its rest is skipped in turn. */
                newline = len > reach ? memchr(data + reach, '\n', len - reach) : NULL;
                ret->size = newline ? (size_t)(newline - data) + 1 : len;
                return -EBADMSG;
        }
        line.size = (size_t)(newline - data) + 1;
        r = parse_line(data, line.size - 1, &line);
        if (r < 0) {
                ret->size = line.size;
                return r;
        }
        *ret = line;
        return 1;
}

static void put_digits(char *at, unsigned value, size_t n) {
        while (n-- > 0) {
                at[n] = (char)('0' + value % 10);
                value /= 10;
        }
}

static void format_stamp(char ret[static STAMP_LEN], uint64_t time_nsec) {
        uint64_t seconds = time_nsec / NSEC_PER_SEC;
        unsigned of_day = (unsigned)(seconds % 86400);
        unsigned year, month, day;

        civil_from_days((int64_t)(seconds / 86400), &year, &month, &day);
        memcpy(ret, "0000-00-00T00:00:00.000000000Z", STAMP_LEN);
        put_digits(ret, year, 4);
        put_digits(ret + 5, month, 2);
        put_digits(ret + 8, day, 2);
        put_digits(ret + 11, of_day / 3600, 2);
        put_digits(ret + 14, of_day / 60 % 60, 2);
        put_digits(ret + 17, of_day % 60, 2);
        put_digits(ret + 20, (unsigned)(time_nsec % NSEC_PER_SEC), 9);
}

/* `,"key":"value"` */
static int append_member(struct buf *buf, const char *key, const char *value, size_t len) {
        int r = buf_append_str(buf, key);

        return r < 0 ? r : json_append_string(buf, value, len);
}

static int append_members(struct buf *buf, const struct cri_line *line, uint64_t sequence, const char *step,
                          const char *item) {
        char head[96], digits_reversed[20];
        size_t n = 0, at;
        int r;

        do
                digits_reversed[n++] = (char)('0' + sequence % 10);
        while ((sequence /= 10) > 0);
        memcpy(head, "\"seq\":", 6);
        at = 6;
        while (n > 0)
                head[at++] = digits_reversed[--n];
        memcpy(head + at, ",\"time\":\"", 9);
        at += 9;
        format_stamp(head + at, line->time_nsec);
        at += STAMP_LEN;
        memcpy(head + at, "\",\"step\":", 9);
        at += 9;
        r = buf_append(buf, head, at);
        if (r >= 0)
                r = json_append_string(buf, step, strlen(step));
        if (r >= 0 && item && *item)
                r = append_member(buf, ",\"item\":", item, strlen(item));
        if (r >= 0)
                r = buf_append_str(buf, line->is_stderr ? ",\"stream\":\"stderr\"" : ",\"stream\":\"stdout\"");
        if (r >= 0 && line->is_partial)
                r = buf_append_str(buf, ",\"partial\":true");
        if (r >= 0)
                r = append_member(buf, ",\"text\":", line->text, line->len);
        return r;
}

int cri_append_json(struct buf *buf, const struct cri_line *line, uint64_t sequence, const char *step,
                    const char *item) {
        size_t before = buf->len;
        int r = append_members(buf, line, sequence, step, item);

        if (r < 0 && buf->len > before) { /* all or nothing */
                buf->len = before;
                buf->data[buf->start + before] = '\0';
        }
        return r;
}
