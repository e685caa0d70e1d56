#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "errortext.h"
#include "jval.h"
#include "strutil.h"
#include "timeutil.h"
#include "xalloc.h"

#define MESSAGE_MAX ((size_t)64 * 1024)

/* A newline would begin another assignment. */
static int assign(struct report *report, const char *name, const char *value, char **ret_error) {
        _cleanup_free_ char *line = xstrdup(value);
        for (char *p = line; *p; p++)
                if (*p == '\n' || *p == '\r')
                        *p = ' ';
        if (report->message.max == 0)
                report->message = BUF_INIT(MESSAGE_MAX);
        if (buf_appendf(&report->message, "%s=%s\n", name, line) < 0)
                return error_set(ret_error, -EINVAL, "say less at once: a report holds %zu bytes at most", MESSAGE_MAX);
        report->n_assignments++;
        return 0;
}

/* "game-logs" of the row becomes GAME_LOGS of the protocol. */
static char *assignment_name(const struct option_row *row) {
        char *name = xstrdup(row->name);
        for (char *p = name; *p; p++)
                *p = *p == '-' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        return name;
}

static int report_assign(void *target, const struct option_row *row, const char *value, char **ret_error) {
        _cleanup_free_ char *name = assignment_name(row);
        return assign(target, name, value, ret_error);
}

static int report_word(void *target, const struct option_row *row, const char *value, char **ret_error) {
        for (size_t i = 0; row->words[i]; i++)
                if (streq(row->words[i], value))
                        return report_assign(target, row, value, ret_error);
        _cleanup_buf_ struct buf words = BUF_INIT(4096);
        for (size_t i = 0; row->words[i]; i++)
                (void)buf_appendf(&words, "%s%s", i > 0 ? ", " : "", row->words[i]);
        return error_set(ret_error, -EINVAL, "--%s takes one of %s, not '%s'", row->name, buf_data(&words), value);
}

static int report_count(void *target, const struct option_row *row, const char *value, char **ret_error) {
        int64_t count;
        if (parse_int64_range(value, 0, INT64_MAX, &count) < 0)
                return error_set(ret_error, -EINVAL, "--%s takes a number from 0, not '%s'", row->name, value);
        return report_assign(target, row, value, ret_error);
}

static int report_progress(void *target, const struct option_row *row, const char *value, char **ret_error) {
        const char *slash = strchr(value, '/');
        _cleanup_free_ char *done = slash ? xstrndup(value, (size_t)(slash - value)) : NULL;
        int64_t number;
        if (!slash || parse_int64_range(done, 0, INT64_MAX, &number) < 0 ||
            parse_int64_range(slash + 1, 0, INT64_MAX, &number) < 0)
                return error_set(ret_error, -EINVAL, "--progress takes done/total, as in 15/75, not '%s'", value);
        return report_assign(target, row, value, ret_error);
}

static int report_metric(void *target, const struct option_row *row, const char *value, char **ret_error) {
        const char *equals = strchr(value, '=');
        int64_t number;
        if (!equals || equals == value || (equals[-1] == '+' && equals == value + 1) ||
            parse_int64(equals + 1, &number) < 0)
                return error_set(ret_error, -EINVAL,
                                 "--metric takes name+=number (added up) or name=number (set), as in "
                                 "games_processed+=16, not '%s'",
                                 value);
        return report_assign(target, row, value, ret_error);
}

static int report_coverage(void *target, const struct option_row *row, const char *value, char **ret_error) {
        const char *slash = strchr(value, '/');
        _cleanup_free_ char *have = slash ? xstrndup(value, (size_t)(slash - value)) : NULL;
        int64_t part, all;
        double share;
        bool is_part = slash && parse_int64_range(slash + 1, 1, INT64_MAX, &all) == 0 &&
                       parse_int64_range(have, 0, all, &part) == 0;
        if (!is_part && (parse_double(value, &share) < 0 || share < 0 || share > 1))
                return error_set(ret_error, -EINVAL,
                                 "--coverage takes a share from 0 to 1, as in 0.87, or have/all, as in 27/30, not '%s'",
                                 value);
        return report_assign(target, row, value, ret_error);
}

static int report_pair(void *target, const struct option_row *row, const char *value, char **ret_error) {
        const char *equals = strchr(value, '=');
        if (!equals || equals == value)
                return error_set(ret_error, -EINVAL, "--%s takes name=value, as in week=6, not '%s'", row->name, value);
        return report_assign(target, row, value, ret_error);
}

static int report_result(void *target, const struct option_row *row, const char *value, char **ret_error) {
        _cleanup_jval_ struct jval *json = NULL;
        _cleanup_free_ char *why = NULL;
        if (jval_parse(value, strlen(value), &json, &why) < 0)
                return error_set(ret_error, -EINVAL, "--result takes JSON: %s", why);
        _cleanup_free_ char *compact = jval_dump(json);
        return report_assign(target, row, compact, ret_error);
}

static int report_extend(void *target, const struct option_row *row, const char *value, char **ret_error) {
        usec_t span;
        if (parse_timespan(value, &span) < 0 || span == USEC_INFINITY)
                return error_set(ret_error, -EINVAL, "--extend-timeout takes a time span such as '5min', not '%s'",
                                 value);
        _cleanup_free_ char *text = xasprintf("%" PRIu64, span);
        return assign(target, "EXTEND_TIMEOUT_USEC", text, ret_error);
}

static int report_heartbeat(void *target, const struct option_row *row, const char *value, char **ret_error) {
        return assign(target, "WATCHDOG", "1", ret_error);
}

static const char *const error_classes[] = {"transient", "permanent", NULL};
static const char *const step_results[] = {"success", "failed", "skipped", NULL};
static const char *const qualities[] = {"full", "limited", "failed", NULL};

#define ROW(row_name, row_value, row_handler, row_help)                                                                \
        .name = row_name, .value = row_value, .kind = OPTION_HANDLER, .handler = row_handler, .help = row_help
const struct option_row report_rows[] = {
        {ROW("progress", "DONE/TOTAL", report_progress, "How far it is")},
        {ROW("metric", "NAME+=N", report_metric, "Add to a counter of the run; NAME=N sets it (repeatable)")},
        {ROW("status", "TEXT", report_assign, "What it is doing now")},
        {ROW("records", "N", report_count, "Records processed")},
        {ROW("expected", "N", report_count, "Records that were to be expected; 0: none is right")},
        {ROW("coverage", "SHARE", report_coverage, "Share of its input that was there: 0 to 1, or 27/30")},
        {ROW("item", "NAME", report_assign, "The item that it works on")},
        {ROW("warning", "CATEGORY: TEXT", report_assign, "A warning: the run ends partial (repeatable)")},
        {ROW("note", "TEXT", report_assign, "A remark; the run's status is not changed by it (repeatable)")},
        {ROW("error-class", "CLASS", report_word, "transient (try again) or permanent (do not)"),
         .words = error_classes},
        {ROW("parameter", "NAME=VALUE", report_pair, "Fill in a parameter that was left open")},
        {ROW("step", "NAME", report_assign, "A step inside this program begins")},
        {ROW("step-result", "RESULT", report_word, "It ended: success, failed or skipped"), .words = step_results},
        {ROW("quality", "WORD", report_word, "Quality of the data: full, limited or failed"), .words = qualities},
        {ROW("missing", "ITEM: REASON", report_assign, "An item that is missing, and why (repeatable)")},
        {ROW("result", "JSON", report_result, "The step's result, kept as its metadata")},
        {ROW("heartbeat", NULL, report_heartbeat, "Still alive")},
        {ROW("extend-timeout", "SPAN", report_extend, "Needs so much more time from now")},
        {0},
};
