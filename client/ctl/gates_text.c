#include "gates_text.h"

#include <inttypes.h>

#include "buf.h"
#include "strutil.h"

#define TEXT_MAX ((size_t)2000)

static const char *space(const struct buf *text) {
        return text->len > 0 ? " " : "";
}

char *text_gates(const struct jval *step) {
        int64_t records = jval_get_int(step, "records_min", 0), failures = jval_get_int(step, "breaker_failures", 0);
        double coverage = jval_get_real(step, "coverage_min", 0);
        const struct jval *band = jval_get(step, "records_band");
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);

        if (records > 0)
                (void)buf_appendf(&text, "records>=%" PRIi64, records);
        if (jval_is_object(band))
                (void)buf_appendf(&text, "%sband (%s)", space(&text), str_or(jval_get_str(band, "action"), "?"));
        if (coverage > 0)
                (void)buf_appendf(&text, "%scoverage>=%g%%", space(&text), 100 * coverage);
        if (failures > 0)
                (void)buf_appendf(&text, "%sbreaker (%" PRIi64 ")", space(&text), failures);
        return text.len > 0 ? buf_steal(&text) : NULL;
}

char *text_skipped_gates(const struct jval *run) {
        const struct jval *names = jval_get(run, "skip_gates");
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);

        for (size_t i = 0; i < jval_array_size(names); i++)
                (void)buf_appendf(&text, "%s%s", i > 0 ? ", " : "", str_or(jval_str(jval_at(names, i)), "?"));
        return text.len > 0 ? buf_steal(&text) : NULL;
}
