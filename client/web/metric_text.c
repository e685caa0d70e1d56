#include "metric_text.h"

#include <math.h>

void metric_family(struct buf *out, const char *name, const char *type, const char *help) {
        (void)buf_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_label(struct buf *out, const char *name, const char *value) {
        (void)buf_appendf(out, "%s=\"", name);
        for (; *value; value++) {
                if (*value == '\n')
                        (void)buf_append_str(out, "\\n");
                else if (*value == '"' || *value == '\\')
                        (void)buf_appendf(out, "\\%c", *value);
                else
                        (void)buf_append_char(out, *value);
        }
        (void)buf_append_char(out, '"');
}

void metric_sample(struct buf *out, const char *name, const char *label, const char *value, const char *label2,
                   const char *value2, double number) {
        (void)buf_append_str(out, name);
        if (label) {
                (void)buf_append_char(out, '{');
                append_label(out, label, value);
                if (label2) {
                        (void)buf_append_char(out, ',');
                        append_label(out, label2, value2);
                }
                (void)buf_append_char(out, '}');
        }
        if (fabs(number) < 1e15 && number == trunc(number))
                (void)buf_appendf(out, " %.0f\n", number);
        else
                (void)buf_appendf(out, " %.9g\n", number);
}
