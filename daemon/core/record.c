#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "strutil.h"
#include "xalloc.h"

bool step_name_is_nested(const char *step_name) {
        return strchr(step_name, '/') != NULL;
}

bool step_name_is_helper(const char *step_name) {
        return step_name[strcspn(step_name, ":/")] == ':';
}

char *step_name_to_text(const char *step_name, const char *item) {
        const char *colon = strchr(step_name, ':');
        const char *key = !colon                       ? ""
                          : streq(colon, ":items")     ? "ForEach= of "
                          : streq(colon, ":condition") ? "Condition= of "
                                                       : "ReadyWhen= of ";
        int len = colon ? (int)(colon - step_name) : (int)strlen(step_name);

        if (len == 0)
                return xasprintf("%sthe job", key);
        if (item && *item)
                return xasprintf("%sstep %.*s (%s)", key, len, step_name, item);
        return xasprintf("%sstep %.*s", key, len, step_name);
}

struct run_record *run_record_copy(const struct run_record *record) {
        struct run_record *copy = xmemdup(record, sizeof(*record));

        copy->job = xstrdup_or_null(record->job);
        copy->batch_type = xstrdup_or_null(record->batch_type);
        copy->batch_mode = xstrdup_or_null(record->batch_mode);
        copy->triggered_by_user = xstrdup_or_null(record->triggered_by_user);
        copy->error_message = xstrdup_or_null(record->error_message);
        copy->parameters = jval_ref(record->parameters);
        copy->metrics = jval_ref(record->metrics);
        copy->warnings = jval_ref(record->warnings);
        copy->notes = jval_ref(record->notes);
        copy->retry_of = xstrdup_or_null(record->retry_of);
        copy->parent_run_id = xstrdup_or_null(record->parent_run_id);
        copy->definition_hash = xstrdup_or_null(record->definition_hash);
        copy->options = jval_ref(record->options);
        return copy;
}

void run_record_done(struct run_record *record) {
        free(record->job);
        free(record->batch_type);
        free(record->batch_mode);
        free(record->triggered_by_user);
        free(record->error_message);
        jval_unref(record->parameters);
        jval_unref(record->metrics);
        jval_unref(record->warnings);
        jval_unref(record->notes);
        free(record->retry_of);
        free(record->parent_run_id);
        free(record->definition_hash);
        jval_unref(record->options);
        *record = (struct run_record){0};
}

struct run_record *run_record_free(struct run_record *record) {
        if (record)
                run_record_done(record);
        free(record);
        return NULL;
}

struct attempt_record *attempt_record_copy(const struct attempt_record *record) {
        struct attempt_record *copy = xmemdup(record, sizeof(*record));

        copy->step_name = xstrdup_or_null(record->step_name);
        copy->item = xstrdup_or_null(record->item);
        copy->error_message = xstrdup_or_null(record->error_message);
        copy->output_log = xstrdup_or_null(record->output_log);
        copy->metrics = jval_ref(record->metrics);
        copy->metadata = jval_ref(record->metadata);
        copy->log_path = xstrdup_or_null(record->log_path);
        return copy;
}

void attempt_record_done(struct attempt_record *record) {
        free(record->step_name);
        free(record->item);
        free(record->error_message);
        free(record->output_log);
        jval_unref(record->metrics);
        jval_unref(record->metadata);
        free(record->log_path);
        *record = (struct attempt_record){0};
}

struct attempt_record *attempt_record_free(struct attempt_record *record) {
        if (record)
                attempt_record_done(record);
        free(record);
        return NULL;
}
