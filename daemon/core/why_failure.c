/* A step that did not succeed, in facts. */
#include <stdlib.h>
#include <string.h>

#include "reason_text.h"
#include "strutil.h"
#include "why_record.h"
#include "xalloc.h"

#define LINES_SHOWN 10
#define LINE_MAX_BYTES ((size_t)1000)
/* How cri_tail_text marks them. */
#define STDERR_MARK "[stderr] "

struct line {
        const char *text;
        size_t len;
};

/* The last lines of the output that are of stderr, or of anything; how many. */
static size_t last_lines(const char *output, bool only_stderr, struct line lines[static LINES_SHOWN]) {
        size_t n = 0;

        while (*output) {
                size_t len = strcspn(output, "\n");

                if (len > 0 && (!only_stderr || startswith(output, STDERR_MARK))) {
                        if (n == LINES_SHOWN)
                                memmove(lines, lines + 1, (--n) * sizeof(*lines));
                        lines[n++] = (struct line){output, len};
                }
                output += len + (output[len] == '\n');
        }
        return n;
}

static struct jval *line_text(const struct line *line) {
        size_t mark = startswith(line->text, STDERR_MARK) ? strlen(STDERR_MARK) : 0, len = line->len - mark;

        return jval_stringn(line->text + mark, len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
}

static void set_lines(struct jval *failure, const char *output) {
        struct line lines[LINES_SHOWN];
        struct jval *texts = jval_array();
        size_t n = last_lines(output, true, lines);

        jval_set_str(failure, "stream", n > 0 ? "stderr" : "stdout");
        if (n == 0)
                n = last_lines(output, false, lines);
        for (size_t i = 0; i < n; i++)
                jval_add(texts, line_text(&lines[i]));
        jval_set(failure, "lines", texts);
}

struct jval *why_failure(const struct attempt_record *attempt) {
        struct jval *all = attempt_record_to_json(attempt), *failure = jval_object();
        _cleanup_free_ char *what = step_name_to_text(attempt->step_name, attempt->item);
        static const char *const members[] = {"step_name",        "item",       "attempt",      "step_order",
                                              "status",           "reason",     "exit_status",  "signal_number",
                                              "error_message",    "started_at", "completed_at", "duration_seconds",
                                              "records_processed"};

        jval_set_str(failure, "what", what);
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
                jval_set(failure, members[i], jval_ref(jval_get(all, members[i])));
        jval_set_str(failure, "meaning", reason_meaning(attempt->reason));
        set_lines(failure, str_or(attempt->output_log, ""));
        (void)jval_unref(all);
        return failure;
}

char *shell_word(const char *text) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
        struct buf out = BUF_INIT(SIZE_MAX / 4);

        if (*text && text[strspn(text, plain)] == '\0')
                return xstrdup(text);
        (void)buf_append_char(&out, '\'');
        for (const char *c = text; *c; c++)
                (void)(*c == '\'' ? buf_append_str(&out, "'\\''") : buf_append_char(&out, *c));
        (void)buf_append_char(&out, '\'');
        return buf_steal(&out);
}
