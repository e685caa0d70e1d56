#include "attempt_state.h"

#include <errno.h>

#include "fields.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define RULE(type, member)                                                                                             \
        { #member, type, offsetof(struct attempt_state, member) }

static const struct field_rule state_rules[] = {
        RULE(FIELD_INT64, number),          RULE(FIELD_STRING, run_id),        RULE(FIELD_STRING, label),
        RULE(FIELD_STRING, boot_id),        RULE(FIELD_BOOL, is_starting),     RULE(FIELD_UINT64, pid),
        RULE(FIELD_UINT64, monitor_pid),    RULE(FIELD_UINT64, started_at),    RULE(FIELD_UINT64, log_size),
        RULE(FIELD_UINT64, lines),          RULE(FIELD_UINT64, lines_dropped), RULE(FIELD_UINT64, last_heartbeat_at),
        RULE(FIELD_BOOL, heartbeat_missed), RULE(FIELD_BOOL, has_ended),       RULE(FIELD_STRING, ended_by),
        RULE(FIELD_INT64, exit_status),     RULE(FIELD_INT64, signal_number),  RULE(FIELD_INT64, spawn_errno),
        RULE(FIELD_UINT64, ended_at),       RULE(FIELD_UINT64, duration),      RULE(FIELD_UINT64, processes_ended),
        RULE(FIELD_BOOL, drain_timed_out),  RULE(FIELD_INT64, memory_peak),    RULE(FIELD_INT64, cpu_usec),
        RULE(FIELD_INT64, io_read_bytes),   RULE(FIELD_INT64, io_write_bytes),
};

void attempt_state_done(struct attempt_state *state) {
        fields_release(state, state_rules, ELEMENTSOF(state_rules));
}

int attempt_state_encode(const struct attempt_state *state, const struct report_set *reports, struct buf *buf) {
        int r = fields_encode(buf, state, state_rules, ELEMENTSOF(state_rules));
        for (size_t i = 0; r >= 0 && reports && i < reports->n; i++)
                r = report_encode(buf, &reports->reports[i]);
        return r;
}

int attempt_state_decode(const char *data, size_t len, struct attempt_state *ret, attempt_report_fn on_report,
                         void *user) {
        const char *cursor = data;
        struct field field;
        int r;
        while ((r = fields_next(&cursor, data + len, &field)) > 0) {
                if (field_is(&field, "report")) {
                        if (!on_report)
                                continue;
                        _cleanup_free_ char *text = xstrdup(field.value);
                        const char *key, *value;
                        if (report_decode(text, &key, &value) < 0)
                                return -EBADMSG;
                        on_report(key, value, user);
                        continue;
                }
                r = fields_decode_one(ret, state_rules, ELEMENTSOF(state_rules), &field);
                if (r < 0)
                        return r;
        }
        return r;
}

static const char *const ended_by_names[RUNNER_ENDED_BY_MAX] = {
        [RUNNER_ENDED_BY_ITSELF] = "itself",
        [RUNNER_ENDED_BY_TIMEOUT] = "timeout",
        [RUNNER_ENDED_BY_RUN_TIMEOUT] = "run_timeout",
        [RUNNER_ENDED_BY_HEARTBEAT] = "heartbeat",
        [RUNNER_ENDED_BY_OOM] = "oom",
        [RUNNER_ENDED_BY_STOP] = "stop",
        [RUNNER_ENDED_BY_SPAWN] = "spawn",
};

const char *runner_ended_by_to_string(enum runner_ended_by ended_by) {
        return ended_by_names[ended_by];
}

int runner_ended_by_from_string(const char *text) {
        for (int i = 0; i < RUNNER_ENDED_BY_MAX; i++)
                if (streq(text, ended_by_names[i]))
                        return i;
        return -EINVAL;
}
