#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "strutil.h"
#include "table.h"
#include "utf8.h"
#include "xalloc.h"

#define LABEL_WIDTH 12

static char *set_text(char ret[static TEXT_SIZE], const char *text) {
        (void)snprintf(ret, TEXT_SIZE, "%s", text);
        return ret;
}

char *text_duration(char ret[static TEXT_SIZE], double seconds) {
        if (seconds < 0)
                return set_text(ret, "-");
        usec_t span = (usec_t)(seconds * (double)USEC_PER_SEC + 0.5);
        if (span < USEC_PER_MSEC)
                return set_text(ret, "0s");
        /* What is shown needs no microseconds, and above ten seconds no fractions. */
        span -= span % (span < 10 * USEC_PER_SEC ? USEC_PER_MSEC : USEC_PER_SEC);
        char text[TIMESPAN_SIZE];
        return set_text(ret, format_timespan(text, span));
}

usec_t get_instant(const struct jval *object, const char *key) {
        const char *text = jval_get_str(object, key);
        usec_t instant;
        return text && parse_rfc3339(text, &instant) == 0 ? instant : 0;
}

char *text_instant(char ret[static TEXT_SIZE], const struct jval *object, const char *key, bool utc) {
        usec_t instant = get_instant(object, key);
        if (instant == 0)
                return set_text(ret, "-");
        char text[RFC3339_SIZE];
        return set_text(ret, format_time_local(text, instant, utc));
}

char *text_ago(char ret[static TEXT_SIZE], const struct jval *object, const char *key, usec_t now) {
        usec_t instant = get_instant(object, key);
        if (instant == 0)
                return set_text(ret, "-");
        char span[TEXT_SIZE];
        double seconds = instant < now ? (double)(now - instant) / (double)USEC_PER_SEC : 0;
        if (seconds < 1)
                return set_text(ret, "just now");
        (void)snprintf(ret, TEXT_SIZE, "%.55s ago", text_duration(span, (double)(int64_t)seconds));
        return ret;
}

char *text_bytes(char ret[static TEXT_SIZE], int64_t bytes) {
        static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
        double value = (double)bytes;
        size_t unit = 0;
        for (; value >= 1000 && unit + 1 < ELEMENTSOF(units); unit++)
                value /= 1000;
        (void)snprintf(ret, TEXT_SIZE, "%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
        return ret;
}

char *text_count(char ret[static TEXT_SIZE], int64_t count, const char *noun) {
        (void)snprintf(ret, TEXT_SIZE, "%" PRIi64 " %.30s%s", count, noun, count == 1 ? "" : "s");
        return ret;
}

char *text_members(const struct jval *object) {
        _cleanup_buf_ struct buf out = BUF_INIT(SIZE_MAX / 4);
        for (void *i = jval_is_object(object) ? jval_iter(object) : NULL; i; i = jval_iter_next(object, i)) {
                struct jval *value = jval_iter_value(i);
                _cleanup_free_ char *dump = jval_is_string(value) ? xstrdup(jval_str(value)) : jval_dump(value);
                (void)buf_appendf(&out, "%s%s=%s", out.len > 0 ? " " : "", jval_iter_key(i), dump);
        }
        return buf_steal(&out);
}

char *text_status(const struct jval *object) {
        const char *status = str_or(jval_get_str(object, "status"), "-"), *reason = jval_get_str(object, "reason");
        /* "success (exit)" and "skipped (condition)": only the second says something. */
        if (!reason || streq(reason, "exit") || streq(reason, "none"))
                return xstrdup(status);
        return xasprintf("%s (%s)", status, reason);
}

/* How much of the text goes into so many columns: up to a blank, where there is one in their second half. */
static size_t fit_words(const char *text, size_t columns) {
        size_t take = strlen(text);

        if (take <= columns)
                return take;
        for (take = columns; take > columns / 2 && text[take] != ' '; take--)
                ;
        if (text[take] != ' ')
                take = columns;
        /* Not within a character. */
        while (take > 1 && ((unsigned char)text[take] & 0xC0) == 0x80)
                take--;
        return take;
}

void append_wrapped(struct buf *out, const struct term *term, const char *first, enum style first_style, size_t indent,
                    enum style style, const char *text) {
        _cleanup_free_ char *shown = text_visible(text);
        size_t width = term->is_terminal && term->columns > 40 ? (size_t)term->columns : SIZE_MAX,
               taken = utf8_width(first);
        const char *rest = shown;

        (void)buf_appendf(out, "%s%s%s", term_begin(term, first_style), first, term_end(term, first_style));
        for (bool is_first = true; is_first || *rest; is_first = false) {
                if (!is_first)
                        (void)buf_appendf(out, "%*s", (int)indent, "");
                /* A beginning that takes nearly all of a line does not squeeze the text into what is left. */
                size_t room = width == SIZE_MAX ? SIZE_MAX : MAX(width - MIN(width, taken), (size_t)16);
                size_t take = fit_words(rest, room);
                (void)buf_appendf(out, "%s%.*s%s\n", term_begin(term, style), (int)take, rest, term_end(term, style));
                rest += take;
                rest += strspn(rest, " ");
                taken = indent;
        }
}

void append_labelled(struct buf *out, const struct term *term, const char *label, enum style style, const char *text) {
        const char *line = text;
        (void)buf_appendf(out, "%s%*s%s  ", term_begin(term, STYLE_DIM), LABEL_WIDTH, label, term_end(term, STYLE_DIM));
        for (bool first = true; line; first = false) {
                const char *end = strchr(line, '\n');
                _cleanup_free_ char *raw = end ? xstrndup(line, (size_t)(end - line)) : xstrdup(line);
                _cleanup_free_ char *shown = text_visible(raw);
                if (!first)
                        (void)buf_appendf(out, "%*s", LABEL_WIDTH + 2, "");
                (void)buf_appendf(out, "%s%s%s\n", term_begin(term, style), shown, term_end(term, style));
                line = end && end[1] != '\0' ? end + 1 : NULL;
        }
}
