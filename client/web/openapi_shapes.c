#include "openapi_shapes.h"

#include <assert.h>

#include "macro.h"

/* clang-format off */
const struct openapi_shape openapi_shapes[] = {
        {"Run", "run_id:string run_number:integer job:string batch_type:string? batch_mode:string? status:string reason:string? "
                "triggered_by:string? triggered_by_user:string? queued_at:time? started_at:time? completed_at:time? duration_seconds:number? "
                "error_message:string? parameters:object? metrics:object? warnings:[object]? notes:[string]? retry_of:string? parent_run_id:string? "
                "host:string? version:integer?"},
        {"CurrentRun", "run_id:string run_number:integer job:string status:string elapsed_seconds:number? total:integer? completed:integer? "
                "failed:integer? current_step:string? current_item:string? progress_percent:number?"},
        {"Step", "run_id:string step_name:string item:string attempt:integer step_order:integer? status:string reason:string? started_at:time? "
                "completed_at:time? duration_seconds:number? records_processed:integer? exit_status:integer? error_message:string? metrics:object? "
                "metadata:object? status_text:string?"},
        {"BackfillValue", "value:string action:string why:string? last_run:integer? last_status:string?"},
        {"StepSummary", "step_name:string step_order:integer? items:integer pending:integer running:integer success:integer failed:integer "
                "skipped:integer cancelled:integer"},
        {"Totals", "items:integer attempts:integer pending:integer running:integer success:integer failed:integer skipped:integer cancelled:integer"},
        {"JobHealth", "job:string runs:integer? queued:integer? running:integer? success:integer? partial:integer? failed:integer? cancelled:integer? "
                "skipped:integer? failure_rate:number? durations:integer? median_duration_seconds:number? p95_duration_seconds:number? "
                "zero_record_runs:integer? last_success_at:time? last_success_run:integer? before:object? after:object?"},
        {"Limit", "limit:string slots:integer used:integer holders_total:integer waiters_total:integer holders:[object] waiters:[object]"},
        {"Alert", "alert:string kind:string to:string? on:[string]? jobs:[string]? sent:integer failed:integer last_sent_at:time? last_failed_at:time? "
                "last_event:string? last_error:string?"},
        {"AuditEntry", "audit_id:integer at:time user:string? uid:integer? pid:integer? on_behalf:string? method:string outcome:string run_id:string? "
                "run_number:integer? job:string?"},
        {"Progress", "total:integer completed:integer failed:integer running:integer percent:number"},
        {"Line", "seq:integer time:time step:string item:string? stream:string text:string partial:boolean?"},
        {"Paused", "since:time reason:string? by:string? until:time?"},
        {"Job", "job:string description:string? batch_type:string? default_mode:string? modes:[string] parameters:[string] steps:[string] "
                "path:string? active:[integer] next_elapse:time? broken:string? paused:Paused? last_run:Run?"},
        {"JobParameter", "name:string type:string minimum:integer? maximum:integer? pattern:string? values:[string]? default:string? "
                "required:boolean description:string?"},
        {"JobMode", "name:string description:string? steps:[string]"},
        {"JobStep", "name:string description:string? impact:string? exec:[string] after:[string]? timeout_seconds:number? critical:boolean"},
        {"DueTime", "job:string due_at:time outcome:string? reason:string? run_number:integer? run_id:string? local_at:string zone:string? "
                "clock_change:string? starts_at:time? paused:boolean?"},
        {"Part", "state:string error:string?"},
        {"FileSystem", "path:string holds:[string] state:string error:string? measured_at:time free_bytes:integer? total_bytes:integer? "
                "free_inodes:integer? total_inodes:integer?"},
        {"Mirror", "state:string error:string? since:time? rows_waiting:integer? oldest_waiting:time? parked:integer?"},
        {"ReadinessWeek", "season_year:integer week:integer season_type:string schedule_complete:boolean games_count:integer "
                "game_logs_available:boolean game_logs_count:integer odds_available:boolean odds_count:integer odds_fetch_attempted:boolean "
                "odds_fetch_failed:boolean odds_last_fetched_at:time? predictions_available:boolean predictions_count:integer "
                "expected_predictions_count:integer? prediction_completeness_pct:number? data_age_hours:number? last_batch_id:string? "
                "last_run_number:integer? updated_at:time?"},
        {"Session", "user:string? may_read:boolean may_act:boolean csrf_token:string? read_access:string login_possible:boolean stream:boolean "
                "actions_per_minute:integer address:string"},
        {"ErrorData", "kind:string parameter:string? retry_after_seconds:integer? job:string? run_number:integer? run_id:string? login_needed:boolean?"},
        {"ErrorObject", "code:integer message:string data:ErrorData"},
        {"Error", "error:ErrorObject"},
};
const size_t n_openapi_shapes = ELEMENTSOF(openapi_shapes);

static const char *const results[_METHOD_MAX] = {
        [METHOD_DAEMON_STATUS] = "version:string protocol:integer host:string pid:integer instance:string started_at:time uptime_seconds:number "
                "runs_active:integer runs_queued:integer jobs:integer job_errors:[object] watchers:integer memory_bytes:integer store:Part launcher:Part "
                "file_systems:[FileSystem] mirror:Mirror breakers:[object]? draining:Paused?",
        [METHOD_DAEMON_RELOAD] = "jobs:integer added:[string] changed:[string] removed:[string] errors:[object]",
        [METHOD_DAEMON_DRAIN] = "draining:Paused? runs:integer",
        [METHOD_JOB_LIST] = "jobs:[Job]",
        [METHOD_JOB_SHOW] = "job:string description:string? batch_type:string? broken:string? path:string? on_calendar:[string] time_zone:string? "
                "next_elapse:time? paused:Paused? overlap:string default_mode:string? active:[integer] last_run:Run? parameters:[JobParameter] "
                "modes:[JobMode] steps:[JobStep]",
        [METHOD_JOB_PAUSE] = "job:string paused:Paused",
        [METHOD_JOB_RESUME] = "job:string was_paused:boolean",
        [METHOD_SCHEDULE_LIST] = "due_times:[DueTime]",
        [METHOD_RUN_START] = "run_number:integer run_id:string job:string status:string",
        [METHOD_RUN_CURRENT] = "runs:[CurrentRun]",
        [METHOD_RUN_LIST] = "runs:[Run] next:integer?",
        [METHOD_RUN_SHOW] = "run:Run progress:Progress? elapsed_seconds:number? current_step:string? current_item:string? last_seq:integer? "
                "steps:[Step] attempts:[Step]? truncated:boolean?",
        [METHOD_RUN_CANCEL] = "run_number:integer run_id:string job:string status:string processes_ended:integer",
        [METHOD_RUN_RETRY] = "run_number:integer run_id:string job:string status:string retry_of:string steps:[string]",
        [METHOD_RUN_BACKFILL] = "job:string mode:string? parameter:string total:integer dry_run:boolean run_number:integer? run_id:string? status:string? "
                "values:[BackfillValue]",
        [METHOD_RUN_SUMMARY] = "run:Run totals:Totals steps:[StepSummary]",
        [METHOD_RUN_QUALITY] = "run_number:integer run_id:string job:string status:string targets:integer full:integer limited:integer failed:integer "
                "unknown:integer values:object? items:[object]?",
        [METHOD_RUN_WHY] = "job:string state:string summary:string run:Run? facts:[object]? failures:[object]?",
        [METHOD_JOB_HEALTH] = "jobs:[JobHealth]",
        [METHOD_STEP_LIST] = "steps:[Step]? groups:[object]? next:string?",
        [METHOD_AUDIT_LIST] = "entries:[AuditEntry] next:integer?",
        [METHOD_LIMIT_LIST] = "limits:[Limit]",
        [METHOD_ALERT_LIST] = "enabled:boolean alerts:[Alert] waiting:[object]",
        [METHOD_ALERT_TEST] = "alert:string",
        [METHOD_BREAKER_RESET] = "job:string reset:[object]",
        [METHOD_RUN_TAIL] = "run_number:integer run_id:string job:string status:string following:boolean lines:[Line] next:integer? last:integer?",
        [METHOD_LOG_READ] = "run_id:string step:string item:string? attempt:integer offset:integer next:integer? size:integer text:string? base64:string?",
        [METHOD_READINESS_SHOW] = "weeks:[ReadinessWeek]",
        [METHOD_READINESS_REFRESH] = "run_number:integer run_id:string job:string status:string",
};
/* clang-format on */

const char *openapi_result_of(enum method_id method) {
        assert(method < _METHOD_MAX);
        return results[method];
}
