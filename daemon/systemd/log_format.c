#include "log_format.h"

#include <string.h>
#include <unistd.h>

#include "jval.h"
#include "utf8.h"

/* SGR sequences (ECMA-48); "" for none. */
static const struct {
        const char *name, *colour;
} levels[] = {
        [LOG_LEVEL_CRIT] = {"crit", "\x1b[1;31m"},
        [LOG_LEVEL_ERR] = {"err", "\x1b[31m"},
        [LOG_LEVEL_WARNING] = {"warning", "\x1b[33m"},
        [LOG_LEVEL_NOTICE] = {"notice", "\x1b[1m"},
        [LOG_LEVEL_INFO] = {"info", ""},
        [LOG_LEVEL_DEBUG] = {"debug", "\x1b[2m"},
};

static void truncate_to(struct buf *out, size_t len) {
        out->len = len;
        if (out->data)
                out->data[out->start + len] = 0;
}

static int append_escaped(struct buf *out, const char *text) {
        int r = 0;

        while (*text && r >= 0) {
                size_t plain = 0;

                while ((unsigned char)text[plain] >= ' ' && text[plain] != 0x7f)
                        plain++;
                if (plain > 0)
                        r = utf8_append_escaped(out, text, plain);
                text += plain;
                if (!*text || r < 0)
                        break;
                r = *text == '\n'   ? buf_append_str(out, "\\n")
                    : *text == '\t' ? buf_append_char(out, '\t')
                                    : buf_appendf(out, "\\x%02x", (unsigned char)*text);
                text++;
        }
        return r;
}

/* What a line is about, behind the message: " (run_id=... job=... step=...)". */
static int append_fields(struct buf *out, const struct log_context *context) {
        const struct {
                const char *name, *value;
        } fields[] = {
                {"run_id", context->run_id}, {"job", context->job}, {"step", context->step}, {"item", context->item}};
        const char *separator = " (";
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++) {
                if (!fields[i].value || !*fields[i].value)
                        continue;
                r = buf_appendf(out, "%s%s=", separator, fields[i].name);
                if (r >= 0)
                        r = append_escaped(out, fields[i].value);
                separator = " ";
        }
        return r >= 0 && separator[1] == 0 ? buf_append_char(out, ')') : r;
}

/* "" , "12:00:00 " or "2026-11-22T12:00:00.123456Z warning: " */
static int append_head(struct buf *out, struct log_style style, enum log_level level, usec_t realtime) {
        char time[RFC3339_SIZE];

        if (style.priority)
                return buf_appendf(out, "<%d>", (int)level);
        if (style.colour)
                return buf_appendf(out, "\x1b[2m%s\x1b[0m %s",
                                   format_time_local(time, realtime, false) + strlen("2026-11-22 "),
                                   levels[level].colour);
        return buf_appendf(out, "%s %s: ", format_rfc3339(time, realtime), levels[level].name);
}

int log_format_text(struct buf *out, struct log_style style, enum log_level level, const struct log_context *context,
                    const char *message, usec_t realtime) {
        size_t before = out->len;
        int r = append_head(out, style, level, realtime);

        if (r >= 0)
                r = append_escaped(out, message);
        if (r >= 0 && context && !style.colour)
                r = append_fields(out, context);
        if (r >= 0)
                r = buf_append_str(out, style.colour && *levels[level].colour ? "\x1b[0m\n" : "\n");
        if (r < 0)
                truncate_to(out, before);
        return r;
}

static int append_member(struct buf *out, const char *name, const char *value) {
        int r;

        if (!value || !*value)
                return 0;
        r = buf_appendf(out, ",\"%s\":", name);
        return r >= 0 ? json_append_string(out, value, strlen(value)) : r;
}

int log_format_json(struct buf *out, enum log_level level, const struct log_context *context, const char *message,
                    usec_t realtime) {
        static const struct log_context nothing;
        const struct log_context *about = context ? context : &nothing;
        char time[RFC3339_SIZE];
        size_t before = out->len;
        int r = buf_appendf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", format_rfc3339(time, realtime),
                            levels[level].name);

        if (r >= 0)
                r = json_append_string(out, message, strlen(message));
        if (r >= 0)
                r = append_member(out, "message_id", about->message_id);
        if (r >= 0)
                r = append_member(out, "run_id", about->run_id);
        if (r >= 0)
                r = append_member(out, "job", about->job);
        if (r >= 0)
                r = append_member(out, "step", about->step);
        if (r >= 0)
                r = append_member(out, "item", about->item);
        if (r >= 0)
                r = buf_appendf(out, ",\"pid\":%d}\n", (int)getpid());
        if (r < 0)
                truncate_to(out, before);
        return r;
}
