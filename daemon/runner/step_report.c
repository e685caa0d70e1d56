#include "step_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_check.h"
#include "macro.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

#define TEXT_MAX 500
#define RESULT_MAX 8192
#define KEY_SIZE 96

/* One KEY=value of a datagram; value is clean: valid UTF-8 without NUL. */
struct line {
        const char *key;
        char *value;
        bool is_of_inner_step; /* STEP= or STEP_RESULT= stands in the same datagram */
};

void step_reports_done(struct step_reports *reports) {
        report_set_done(&reports->set);
        inner_steps_done(&reports->inner);
}

static void put(struct step_reports *reports, const char *key, const char *value) {
        if (report_set_put(&reports->set, key, value) != -E2BIG || reports->is_full_told)
                return;
        reports->is_full_told = true;
        /* Small enough to fit beside what is there: REPORT_SET_MAX leaves the attempt file a few KiB. */
        report_set_put(&reports->set, "refused:0",
                       "the step reported more than can be kept; what came later is missing");
}

void step_reports_refuse(struct step_reports *reports, const char *format, ...) {
        char key[KEY_SIZE], text[TEXT_MAX + 1];
        if (reports->n_refused > STEP_REPORT_REFUSED_MAX)
                return;
        snprintf(key, sizeof(key), "refused:%u", ++reports->n_refused);
        if (reports->n_refused > STEP_REPORT_REFUSED_MAX) {
                put(reports, key, "further reports that make no sense are not listed");
                return;
        }
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        _cleanup_free_ char *clean = utf8_escape(text, strlen(text), TEXT_MAX);
        put(reports, key, clean);
}

static void refuse_line(struct step_reports *reports, const struct line *line, const char *why) {
        step_reports_refuse(reports, "%s=%.100s: %s", line->key, line->value, why);
}

static void put_text(struct step_reports *reports, const char *key, struct line *line) {
        _cleanup_free_ char *text = utf8_escape(line->value, strlen(line->value), TEXT_MAX);
        put(reports, key, text);
}

static void take_status(struct step_reports *reports, struct line *line, struct step_request *request) {
        put_text(reports, "status", line);
}

static void take_item(struct step_reports *reports, struct line *line, struct step_request *request) {
        put_text(reports, "item", line);
}

static void take_heartbeat(struct step_reports *reports, struct line *line, struct step_request *request) {
        request->is_heartbeat |= streq(line->value, "1");
}

static void take_extend(struct step_reports *reports, struct line *line, struct step_request *request) {
        if (parse_uint64(line->value, &request->extend_usec) < 0)
                refuse_line(reports, line, "not a number of microseconds");
}

static void take_progress(struct step_reports *reports, struct line *line, struct step_request *request) {
        char *slash = strchr(line->value, '/');
        uint64_t done, total;
        if (slash)
                *slash = 0;
        bool is_good = slash && parse_uint64(line->value, &done) >= 0 && parse_uint64(slash + 1, &total) >= 0 &&
                       done <= total && total <= INT64_MAX;
        if (slash)
                *slash = '/';
        if (is_good)
                put(reports, "progress", line->value);
        else
                refuse_line(reports, line, "not DONE/TOTAL, like 15/75");
}

/* The current inner step as it is now. */
static void put_inner_step(struct step_reports *reports) {
        char key[KEY_SIZE];
        _cleanup_free_ char *value = inner_step_text(inner_steps_current(&reports->inner));
        snprintf(key, sizeof(key), "step:%zu", reports->inner.current);
        put(reports, key, value);
}

static void take_count(struct step_reports *reports, struct line *line, const char *key) {
        int64_t count;
        int r = parse_int64(line->value, &count);
        if (r < 0 || count < 0)
                refuse_line(reports, line, r == -ERANGE ? "too large" : "not a whole number from 0 up");
        else
                put(reports, key, line->value);
}

static void take_records(struct step_reports *reports, struct line *line, struct step_request *request) {
        struct inner_step *step = inner_steps_current(&reports->inner);
        int64_t count;
        if (!line->is_of_inner_step || !step) {
                take_count(reports, line, "records");
        } else if (parse_int64(line->value, &count) < 0 || count < 0) {
                refuse_line(reports, line, "not a whole number from 0 up");
        } else {
                step->records = count;
                put_inner_step(reports);
        }
}

static void take_expected(struct step_reports *reports, struct line *line, struct step_request *request) {
        take_count(reports, line, "expected");
}

/* "27/30": done of total, as PROGRESS= has it. */
static bool is_part(const char *value) {
        const char *slash = strchr(value, '/');
        _cleanup_free_ char *done_text = slash ? xstrndup(value, (size_t)(slash - value)) : NULL;
        uint64_t done, total;
        return slash && parse_uint64(done_text, &done) >= 0 && parse_uint64(slash + 1, &total) >= 0 && total > 0 &&
               done <= total && total <= INT64_MAX;
}

static void take_coverage(struct step_reports *reports, struct line *line, struct step_request *request) {
        double share;
        if (strlen(line->value) <= 48 && is_part(line->value))
                put(reports, "coverage", line->value);
        else if (strlen(line->value) > 32 || parse_double(line->value, &share) < 0 || share < 0 || share > 1)
                refuse_line(reports, line, "neither a share from 0 to 1, like 0.87, nor HAVE/ALL, like 27/30");
        else
                put(reports, "coverage", line->value);
}

static void take_error_class(struct step_reports *reports, struct line *line, struct step_request *request) {
        if (streq(line->value, "transient") || streq(line->value, "permanent"))
                put(reports, "error_class", line->value);
        else
                refuse_line(reports, line, "neither transient nor permanent");
}

static void take_quality(struct step_reports *reports, struct line *line, struct step_request *request) {
        if (streq(line->value, "full") || streq(line->value, "limited") || streq(line->value, "failed"))
                put(reports, "quality", line->value);
        else
                refuse_line(reports, line, "not full, limited or failed");
}

static void take_result(struct step_reports *reports, struct line *line, struct step_request *request) {
        size_t len = strlen(line->value);
        if (len > RESULT_MAX)
                refuse_line(reports, line, "longer than 8 KiB");
        else if (!json_is_valid(line->value, len))
                refuse_line(reports, line, "not a JSON value (32 levels at most, no \\u0000)");
        else
                put(reports, "result", line->value);
}

static void add_metric(struct step_reports *reports, struct line *line, const char *key, int64_t amount) {
        const char *before = report_set_get(&reports->set, key);
        char text[24];
        int64_t sum = 0;
        if (before && parse_int64(before, &sum) < 0)
                sum = 0;
        if (__builtin_add_overflow(sum, amount, &sum)) {
                refuse_line(reports, line, "the sum would pass 64 bits");
                return;
        }
        snprintf(text, sizeof(text), "%" PRId64, sum);
        put(reports, key, text);
}

static void take_metric(struct step_reports *reports, struct line *line, struct step_request *request) {
        char key[KEY_SIZE], name[65];
        const char *equals = strchr(line->value, '=');
        bool adds = equals && equals > line->value && equals[-1] == '+';
        size_t len = equals ? (size_t)(equals - line->value) - adds : 0;
        if (len == 0 || len >= sizeof(name)) {
                refuse_line(reports, line, "not NAME+=N or NAME=N");
                return;
        }
        memcpy(name, line->value, len);
        name[len] = 0;
        int64_t amount;
        int r = parse_int64(equals + 1, &amount);
        if (!name_is_valid(name))
                refuse_line(reports, line, "the name may have letters, digits, '_', '-' and '.' only");
        else if (r < 0)
                refuse_line(reports, line, r == -ERANGE ? "too large for 64 bits" : "not a whole number");
        else if (adds) {
                snprintf(key, sizeof(key), "metric+:%s", name);
                add_metric(reports, line, key, amount);
        } else {
                snprintf(key, sizeof(key), "metric=:%s", name);
                put(reports, key, equals + 1);
        }
}

/* Appends to a numbered list with a cap; passing the cap is said once. */
static void add_numbered(struct step_reports *reports, const struct line *line, const char *kind, unsigned *count,
                         unsigned max, unsigned *dropped) {
        char key[KEY_SIZE];
        if (*count >= max) {
                if ((*dropped)++ == 0)
                        step_reports_refuse(reports, "%s: more than %u; the rest is not listed", line->key, max);
                return;
        }
        _cleanup_free_ char *text = utf8_escape(line->value, strlen(line->value), TEXT_MAX);
        snprintf(key, sizeof(key), "%s:%u", kind, ++*count);
        put(reports, key, text);
}

static void take_warning(struct step_reports *reports, struct line *line, struct step_request *request) {
        add_numbered(reports, line, "warning", &reports->n_warnings, STEP_REPORT_WARNINGS_MAX,
                     &reports->n_warnings_dropped);
}

static void take_note(struct step_reports *reports, struct line *line, struct step_request *request) {
        add_numbered(reports, line, "note", &reports->n_notes, STEP_REPORT_NOTES_MAX, &reports->n_notes_dropped);
}

static void take_missing(struct step_reports *reports, struct line *line, struct step_request *request) {
        char more[16];
        add_numbered(reports, line, "missing", &reports->n_missing, STEP_REPORT_MISSING_MAX,
                     &reports->n_missing_dropped);
        if (reports->n_missing_dropped == 0)
                return;
        /* Counted all the same: so many are missing, listed or not. */
        snprintf(more, sizeof(more), "%u", reports->n_missing_dropped);
        put(reports, "missing_more", more);
}

static void take_parameter(struct step_reports *reports, struct line *line, struct step_request *request) {
        char key[KEY_SIZE], name[65];
        const char *equals = strchr(line->value, '=');
        size_t len = equals ? (size_t)(equals - line->value) : 0;
        if (len == 0 || len >= sizeof(name) || strlen(equals + 1) > TEXT_MAX) {
                refuse_line(reports, line, "not NAME=VALUE (of at most 500 bytes)");
                return;
        }
        memcpy(name, line->value, len);
        name[len] = 0;
        if (!name_is_valid(name)) {
                refuse_line(reports, line, "the name may have letters, digits, '_', '-' and '.' only");
                return;
        }
        snprintf(key, sizeof(key), "parameter:%s", name);
        put(reports, key, equals + 1);
}

static void take_step(struct step_reports *reports, struct line *line, struct step_request *request) {
        if (!name_is_valid(line->value)) {
                refuse_line(reports, line, "not a step's name (1 to 64 letters, digits, '_', '-' and '.')");
                reports->inner.current = 0; /* what stands beside it is of no other step */
                return;
        }
        if (inner_steps_open(&reports->inner, line->value, reports->realtime, reports->boottime, STEP_REPORT_STEPS_MAX))
                put_inner_step(reports);
        else if (reports->n_steps_dropped++ == 0)
                step_reports_refuse(reports, "STEP: more than %d; the rest is dropped", STEP_REPORT_STEPS_MAX);
}

static void take_step_result(struct step_reports *reports, struct line *line, struct step_request *request) {
        static const char *const results[] = {"success", "failed", "skipped"};
        struct inner_step *step = inner_steps_current(&reports->inner);
        size_t i = 0;
        while (i < ELEMENTSOF(results) && !streq(line->value, results[i]))
                i++;
        if (i == ELEMENTSOF(results)) {
                refuse_line(reports, line, "not success, failed or skipped");
        } else if (step) {
                inner_step_end(step, results[i], reports->boottime);
                put_inner_step(reports);
        } else if (reports->n_steps_dropped == 0) {
                refuse_line(reports, line, "no STEP= was named before");
        }
}

/* STATUS= beside STEP_RESULT=failed is that step's error. */
static void take_inner_error(struct step_reports *reports, const struct line *line) {
        _cleanup_free_ char *text = utf8_escape(line->value, strlen(line->value), TEXT_MAX);
        struct inner_step *step = inner_steps_current(&reports->inner);
        if (!step)
                return;
        inner_step_set_error(step, text);
        put_inner_step(reports);
}

static const struct {
        const char *key;
        void (*take)(struct step_reports *reports, struct line *line, struct step_request *request);
} handlers[] = {
        /* Taken before the rest of their datagram: what else stands in it belongs to that step. */
        {"STEP", take_step},
        {"STEP_RESULT", take_step_result},
        {"WATCHDOG", take_heartbeat},
        {"STATUS", take_status},
        {"PROGRESS", take_progress},
        {"METRIC", take_metric},
        {"RECORDS", take_records},
        {"EXPECTED", take_expected},
        {"COVERAGE", take_coverage},
        {"ITEM", take_item},
        {"WARNING", take_warning},
        {"NOTE", take_note},
        {"ERROR_CLASS", take_error_class},
        {"PARAMETER", take_parameter},
        {"QUALITY", take_quality},
        {"MISSING", take_missing},
        {"RESULT", take_result},
        {"EXTEND_TIMEOUT_USEC", take_extend},
};
#define N_INNER_STEP_KEYS 2

static size_t find_handler(const char *key, size_t len) {
        for (size_t i = 0; i < ELEMENTSOF(handlers); i++)
                if (strlen(handlers[i].key) == len && memcmp(handlers[i].key, key, len) == 0)
                        return i;
        return ELEMENTSOF(handlers);
}

/* Calls back for each KEY=value line whose key is known. */
static void take_lines(struct step_reports *reports, const char *datagram, size_t len, bool inner_keys,
                       bool is_of_inner_step, bool ends_failed, struct step_request *request) {
        for (const char *at = datagram, *end = datagram + len, *next; at < end; at = next) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                next = newline ? newline + 1 : end;
                const char *stop = newline ? newline : end;
                const char *equals = memchr(at, '=', (size_t)(stop - at));
                size_t handler = equals ? find_handler(at, (size_t)(equals - at)) : ELEMENTSOF(handlers);
                if (handler == ELEMENTSOF(handlers) || (handler < N_INNER_STEP_KEYS) != inner_keys)
                        continue;
                size_t value_len = (size_t)(stop - equals - 1);
                _cleanup_free_ char *value = utf8_escape(equals + 1, value_len, STEP_REPORT_DATAGRAM_MAX);
                request->is_heartbeat |= handlers[handler].take != take_heartbeat;
                struct line line = {.key = handlers[handler].key, .value = value, .is_of_inner_step = is_of_inner_step};
                handlers[handler].take(reports, &line, request);
                if (ends_failed && streq(line.key, "STATUS"))
                        take_inner_error(reports, &line);
        }
}

static bool has_line(const char *datagram, size_t len, const char *prefix) {
        size_t prefix_len = strlen(prefix);
        const char *at = datagram, *end = datagram + len;
        while (at && (size_t)(end - at) >= prefix_len) {
                if (memcmp(at, prefix, prefix_len) == 0)
                        return true;
                at = memchr(at, '\n', (size_t)(end - at));
                at = at ? at + 1 : NULL;
        }
        return false;
}

void step_reports_take(struct step_reports *reports, const char *datagram, size_t len, struct step_request *ret) {
        *ret = (struct step_request){0};
        bool is_of_inner_step = has_line(datagram, len, "STEP=") || has_line(datagram, len, "STEP_RESULT=");
        bool ends_failed = has_line(datagram, len, "STEP_RESULT=failed");
        take_lines(reports, datagram, len, true, false, false, ret);
        take_lines(reports, datagram, len, false, is_of_inner_step, ends_failed, ret);
}
