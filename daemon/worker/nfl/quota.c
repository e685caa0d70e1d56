#include <string.h>
#include <strings.h>

#include "buf.h"
#include "macro.h"
#include "quota.h"
#include "strutil.h"
#include "timeutil.h"

#define VALUE_SIZE 32
#define TEXT_MAX 400

static bool read_value(const char *header, size_t length, const char *name, int64_t *ret) {
        size_t skip = strlen(name);
        char text[VALUE_SIZE];
        if (length <= skip || length - skip >= sizeof(text) || strncasecmp(header, name, skip) != 0)
                return false;
        memcpy(text, header + skip, length - skip);
        text[length - skip] = '\0';
        (void)parse_int64(strstrip(text), ret);
        return true;
}

void quota_read(struct quota *quota, const char *header, size_t length) {
        int64_t remaining = QUOTA_UNKNOWN;
        /* Answers to requests that run at once do not come in their order: the least is the last. */
        if (read_value(header, length, "X-RateLimit-Requests-Remaining:", &remaining)) {
                bool less = quota->remaining == QUOTA_UNKNOWN || remaining < quota->remaining;
                if (remaining != QUOTA_UNKNOWN && less)
                        quota->remaining = remaining;
        } else if (!read_value(header, length, "X-RateLimit-Requests-Limit:", &quota->limit)) {
                (void)read_value(header, length, "X-RateLimit-Requests-Reset:", &quota->reset);
        }
}

bool quota_is_low(const struct quota *quota, int64_t threshold) {
        if (quota->remaining == QUOTA_UNKNOWN)
                return false;
        if (threshold < 0)
                threshold = quota->limit > 0 ? quota->limit / 10 : QUOTA_FEW;
        return quota->remaining <= threshold;
}

char *quota_text(const struct quota *quota, uint64_t made) {
        struct buf text = BUF_INIT(TEXT_MAX);
        char span[TIMESPAN_SIZE];
        if (quota->remaining > 0)
                (void)buf_appendf(&text, "%lld", (long long)quota->remaining);
        else
                (void)buf_append_str(&text, "none");
        if (quota->limit > 0)
                (void)buf_appendf(&text, " of the plan's %lld calls", (long long)quota->limit);
        else
                (void)buf_append_str(&text, " of the plan's calls");
        (void)buf_append_str(&text, quota->remaining == 1 ? " is left" : " are left");
        if (quota->remaining < 0)
                (void)buf_appendf(&text, " (%lld were made beyond it)", -(long long)quota->remaining);
        if (quota->reset > 0)
                (void)buf_appendf(&text, ", until it is full again in %s",
                                  format_timespan(span, (usec_t)quota->reset * USEC_PER_SEC));
        (void)buf_appendf(&text, "; this command made %llu", (unsigned long long)made);
        return buf_steal(&text);
}
