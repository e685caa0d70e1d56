/* What a step sends to its notify socket. Several datagrams in a row, cut at 0x1e. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "step_report.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct step_reports reports = {0};
        const char *at = (const char *)data, *end = at + size;
        while (at < end) {
                struct step_request request;
                const char *cut = memchr(at, 0x1e, (size_t)(end - at));
                step_reports_take(&reports, at, (size_t)((cut ? cut : end) - at), &request);
                at = cut ? cut + 1 : end;
        }
        size_t total = 0;
        for (size_t i = 0; i < reports.set.n; i++) {
                const struct report *report = &reports.set.reports[i];
                if (!utf8_is_valid(report->key, strlen(report->key)) ||
                    !utf8_is_valid(report->value, strlen(report->value)) || strchr(report->key, '\n') ||
                    strchr(report->value, '\n'))
                        abort();
                total += strlen(report->key) + strlen(report->value);
        }
        if (total > REPORT_SET_MAX)
                abort();
        step_reports_done(&reports);
        return 0;
}
