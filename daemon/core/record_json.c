/* Records as the protocol shows them: members have the names of the PostgreSQL columns. */
#include "record.h"

static void set_duration(struct jval *object, int64_t duration_usec) {
        if (duration_usec < 0)
                jval_set(object, "duration_seconds", jval_null());
        else
                jval_set_real(object, "duration_seconds", (double)duration_usec / (double)USEC_PER_SEC);
}

/* What is unknown is null, never a number that means nothing. */
static void set_count(struct jval *object, const char *key, int64_t value) {
        if (value < 0)
                jval_set(object, key, jval_null());
        else
                jval_set_int(object, key, value);
}

static void set_shared(struct jval *object, const char *key, struct jval *value, struct jval *(*otherwise)(void)) {
        jval_set(object, key, value ? jval_ref(value) : otherwise());
}

struct jval *run_record_to_json(const struct run_record *record) {
        struct jval *object = jval_object();

        jval_set_str(object, "run_id", record->run_id);
        jval_set_int(object, "run_number", record->run_number);
        jval_set_str(object, "job", record->job);
        jval_set_str(object, "batch_type", record->batch_type);
        jval_set_str(object, "batch_mode", record->batch_mode);
        jval_set_str(object, "triggered_by", trigger_to_string(record->triggered_by));
        jval_set_str(object, "triggered_by_user", record->triggered_by_user);
        jval_set_str(object, "status", run_status_to_string(record->status));
        jval_set_str(object, "reason", reason_to_string(record->reason));
        jval_set_time(object, "created_at", record->created_at);
        jval_set_time(object, "started_at", record->started_at);
        jval_set_time(object, "completed_at", record->completed_at);
        set_duration(object, record->duration_usec);
        jval_set_str(object, "error_message", record->error_message);
        set_shared(object, "parameters", record->parameters, jval_object);
        set_shared(object, "metrics", record->metrics, jval_object);
        set_shared(object, "warnings", record->warnings, jval_array);
        set_shared(object, "notes", record->notes, jval_array);
        set_shared(object, "skip_gates", jval_get(record->options, "skip_gates"), jval_array);
        if (jval_get(record->options, "backfill"))
                jval_set(object, "backfill", jval_ref(jval_get(record->options, "backfill")));
        jval_set_str(object, "retry_of", record->retry_of);
        jval_set_str(object, "parent_run_id", record->parent_run_id);
        jval_set_time(object, "due_at", record->due_at);
        jval_set_str(object, "definition_hash", record->definition_hash);
        jval_set_int(object, "version", record->version);
        return object;
}

struct jval *attempt_record_to_json(const struct attempt_record *record) {
        struct jval *object = jval_object();

        jval_set_str(object, "run_id", record->run_id);
        jval_set_str(object, "step_name", record->step_name);
        jval_set_str(object, "item", record->item ? record->item : "");
        jval_set_int(object, "attempt", record->attempt);
        jval_set_int(object, "step_order", record->step_order);
        jval_set_str(object, "status", step_status_to_string(record->status));
        jval_set_str(object, "reason", reason_to_string(record->reason));
        jval_set_time(object, "created_at", record->created_at);
        jval_set_time(object, "started_at", record->started_at);
        jval_set_time(object, "completed_at", record->completed_at);
        jval_set_time(object, "updated_at", record->updated_at);
        set_duration(object, record->duration_usec);
        set_count(object, "records_processed", record->records_processed);
        set_count(object, "exit_status", record->exit_status);
        set_count(object, "signal_number", record->signal_number ? record->signal_number : -1);
        jval_set_str(object, "error_message", record->error_message);
        jval_set_str(object, "output_log", record->output_log);
        set_shared(object, "metrics", record->metrics, jval_object);
        set_shared(object, "metadata", record->metadata, jval_object);
        jval_set_str(object, "log_path", record->log_path);
        jval_set_int(object, "processes_ended", record->processes_ended);
        jval_set_int(object, "version", record->version);
        return object;
}
