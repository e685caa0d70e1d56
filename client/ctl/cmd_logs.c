/* batchctl logs: the complete output of one attempt of a step, from its log file. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "macro.h"
#include "session.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "verb.h"
#include "xalloc.h"

struct logs_options {
        const char *item;
        int64_t attempt;
        bool timestamps;
};

#define MEMBER(member) .offset = offsetof(struct logs_options, member)
static const struct option_row rows[] = {
        {.letter = 'i',
         .name = "item",
         .value = "ITEM",
         .help = "Of this item of the step",
         .kind = OPTION_STRING,
         MEMBER(item)},
        {.letter = 'a',
         .name = "attempt",
         .value = "N",
         .help = "Of this attempt; else the last",
         .kind = OPTION_INTEGER,
         .minimum = 1,
         .maximum = INT32_MAX,
         MEMBER(attempt)},
        {.letter = 't',
         .name = "timestamps",
         .help = "Show when each line came, and from which stream",
         .kind = OPTION_FLAG,
         MEMBER(timestamps)},
        {0},
};

struct printer {
        const struct context *context;
        bool timestamps;
        bool in_line; /* the line before was a piece that goes on */
        struct buf out;
};

/* One line of the CRI log format: "2026-11-22T12:00:00.123456789Z stdout F text". Foreign ones are shown as they are.
 */
static void print_line(struct printer *p, char *line) {
        const struct term *term = &p->context->out;
        char *stream = strchr(line, ' '), *tag = stream ? strchr(stream + 1, ' ') : NULL;
        char *text = tag ? strchr(tag + 1, ' ') : NULL;
        bool is_cri = text && (startswith(stream + 1, "stdout ") || startswith(stream + 1, "stderr "));
        bool is_stderr = is_cri && stream[4] == 'e', is_partial = is_cri && tag[1] == 'P';
        _cleanup_free_ char *visible = term->is_terminal ? text_visible(is_cri ? text + 1 : line) : NULL;
        const char *shown = visible ? visible : is_cri ? text + 1 : line;
        if (p->timestamps && is_cri && !p->in_line) {
                _cleanup_jval_ struct jval *object = jval_object();
                char instant[TEXT_SIZE];
                *stream = '\0';
                jval_set_str(object, "time", line);
                (void)buf_appendf(&p->out, "%s%s%s %c ", term_begin(term, STYLE_DIM),
                                  text_instant(instant, object, "time", p->context->global.utc),
                                  term_end(term, STYLE_DIM), is_stderr ? '!' : '|');
        }
        enum style style = is_stderr ? STYLE_RED : STYLE_PLAIN;
        (void)buf_appendf(&p->out, "%s%s%s%s", term_begin(term, style), shown, term_end(term, style),
                          is_partial ? "" : "\n");
        p->in_line = is_partial;
}

static void print_text(struct printer *p, const char *text) {
        _cleanup_free_ char *copy = xstrdup(text);
        for (char *line = copy; *line;) {
                char *end = strchr(line, '\n');
                if (end)
                        *end = '\0';
                print_line(p, line);
                if (!end)
                        break;
                line = end + 1;
        }
}

/* Shows a page as soon as it is there, unless a pager is to have the whole. */
static void hand_out(struct printer *p, bool last) {
        bool paged = p->context->out.is_terminal && !p->context->global.no_pager;
        if (paged && !last)
                return;
        context_show(p->context, &p->out, paged);
        buf_clear(&p->out);
}

static void add_json_page(struct jval *whole, struct buf *text, const struct jval *page) {
        (void)buf_append_str(text, str_or(jval_get_str(page, "text"), ""));
        for (void *i = jval_iter(page); i; i = jval_iter_next(page, i))
                if (!streq(jval_iter_key(i), "text") && !streq(jval_iter_key(i), "next") &&
                    !jval_has(whole, jval_iter_key(i)))
                        jval_set(whole, jval_iter_key(i), jval_ref(jval_iter_value(i)));
}

static int read_pages(struct session *session, struct jval *params, struct printer *p) {
        _cleanup_jval_ struct jval *whole = jval_object();
        bool json = context_json(p->context);
        for (;;) {
                _cleanup_jval_ struct jval *page = NULL;
                int status = session_call(session, METHOD_LOG_READ, jval_deep_copy(params), &page);
                if (status != EXIT_DONE)
                        return status;
                int64_t offset = jval_get_int(params, "offset", 0), next = jval_get_int(page, "next", -1);
                bool last = next <= offset;
                if (json)
                        add_json_page(whole, &p->out, page);
                else
                        print_text(p, str_or(jval_get_str(page, "text"), ""));
                if (!json)
                        hand_out(p, last);
                if (last)
                        break;
                /* the pages belong to one attempt, also when a new one begins meanwhile */
                static const char *const keys[] = {"run_id", "step", "item", "attempt"};
                for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                        if (jval_has(page, keys[i]))
                                jval_set(params, i == 0 ? "run" : keys[i], jval_ref(jval_get(page, keys[i])));
                jval_set_int(params, "offset", next);
        }
        if (json) {
                jval_set(whole, "text", jval_stringn(buf_data(&p->out), p->out.len));
                context_show_json(whole);
        }
        return EXIT_DONE;
}

static int run_logs(const struct context *context, const void *opaque, char *const *arguments) {
        const struct logs_options *options = opaque;
        _cleanup_jval_ struct jval *params = jval_object();
        if (arguments[0])
                jval_set_str(params, "run", arguments[0]);
        if (arguments[0] && arguments[1])
                jval_set_str(params, "step", arguments[1]);
        if (options->item)
                jval_set_str(params, "item", options->item);
        if (options->attempt > 0)
                jval_set_int(params, "attempt", options->attempt);
        _cleanup_session_ struct session session = SESSION_INIT;
        int status = session_open(&session, context);
        if (status != EXIT_DONE)
                return status;
        struct printer printer = {.context = context, .timestamps = options->timestamps, .out = BUF_INIT(SCREEN_MAX)};
        status = read_pages(&session, params, &printer);
        buf_done(&printer.out);
        return status;
}

const struct verb verb_logs = {
        .name = "logs",
        .arguments = "[RUN [STEP]]",
        .max_arguments = 2,
        .summary = "Show the complete output of a step: of the first that did not succeed, else the last",
        .examples = "  batchctl logs 42\n  batchctl logs 42 game_logs --attempt 1 -t\n",
        .details = "With -t, '|' stands before what came from standard output, '!' before standard error.",
        .options = rows,
        .options_size = sizeof(struct logs_options),
        .run = run_logs,
};
