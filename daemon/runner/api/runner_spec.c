#include "runner_spec.h"

#include <errno.h>

#include "fields.h"
#include "macro.h"
#include "strv.h"

#define RULE(key, type, member)                                                                                        \
        { key, type, offsetof(struct runner_spec, member) }

static const struct field_rule spec_rules[] = {
        RULE("version", FIELD_UINT64, version),
        RULE("number", FIELD_INT64, number),
        RULE("run_id", FIELD_STRING, run_id),
        RULE("label", FIELD_STRING, label),
        RULE("working_directory", FIELD_STRING, working_directory),
        RULE("log_path", FIELD_STRING, log_path),
        RULE("timeout", FIELD_UINT64, timeout),
        RULE("run_timeout_left", FIELD_UINT64, run_timeout_left),
        RULE("heartbeat", FIELD_UINT64, heartbeat),
        RULE("kill_grace", FIELD_UINT64, kill_grace),
        RULE("drain", FIELD_UINT64, drain),
        RULE("heartbeat_kill", FIELD_BOOL, heartbeat_kill),
        RULE("memory_max", FIELD_UINT64, memory_max),
        RULE("tasks_max", FIELD_UINT64, tasks_max),
        RULE("cpu_quota_percent", FIELD_UINT64, cpu_quota_percent),
        RULE("nice", FIELD_INT64, nice),
};

int runner_spec_encode(const struct runner_spec *spec, struct buf *buf) {
        int r = fields_encode(buf, spec, spec_rules, ELEMENTSOF(spec_rules));
        STRV_FOREACH (argument, spec->argv)
                if (r >= 0)
                        r = fields_add(buf, "argv", *argument);
        STRV_FOREACH (variable, spec->environment)
                if (r >= 0)
                        r = fields_add(buf, "environment", *variable);
        return r;
}

static int decode_field(struct runner_spec *spec, const struct field *field) {
        if (field_is(field, "argv"))
                strv_append(&spec->argv, field->value);
        else if (field_is(field, "environment"))
                strv_append(&spec->environment, field->value);
        else
                return fields_decode_one(spec, spec_rules, ELEMENTSOF(spec_rules), field);
        return 1;
}

int runner_spec_decode(const char *data, size_t len, struct runner_spec *ret) {
        _cleanup_runner_spec_ struct runner_spec spec = {
                .number = -1,
                .timeout = UINT64_MAX,
                .run_timeout_left = UINT64_MAX,
                .heartbeat = UINT64_MAX,
                .drain = RUNNER_DRAIN_DEFAULT_USEC,
        };
        const char *cursor = data;
        struct field field;
        int r;
        while ((r = fields_next(&cursor, data + len, &field)) > 0) {
                r = decode_field(&spec, &field);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (spec.version > RUNNER_SPEC_VERSION)
                return -EPROTONOSUPPORT;
        if (spec.version == 0 || spec.number < 0 || !spec.argv || !spec.log_path)
                return -EBADMSG;
        *ret = spec;
        spec = (struct runner_spec){0};
        return 0;
}

void runner_spec_done(struct runner_spec *spec) {
        fields_release(spec, spec_rules, ELEMENTSOF(spec_rules));
        spec->argv = strv_free(spec->argv);
        spec->environment = strv_free(spec->environment);
}
