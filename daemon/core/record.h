/* What is kept of a run and of each attempt of its steps: the rows of state.db and of PostgreSQL, named as their
 * columns. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "jval.h"
#include "status.h"
#include "timeutil.h"
#include "uuid.h"

/* Instants are CLOCK_REALTIME microseconds, 0 when there is none. Strings are owned and may be NULL unless said. */
struct run_record {
        char run_id[UUID_SIZE];
        int64_t run_number;
        char *job; /* never NULL */
        char *batch_type;
        char *batch_mode;
        enum trigger triggered_by;
        char *triggered_by_user;
        enum run_status status;
        enum reason reason;
        usec_t created_at; /* when it was asked for */
        usec_t started_at;
        usec_t completed_at;
        int64_t duration_usec; /* from the boot clock; -1 while there is none */
        char *error_message;
        struct jval *parameters; /* object, never NULL once filled */
        struct jval *metrics;    /* object of int64 by name */
        struct jval *warnings;   /* array of {category, text, step, item, count} */
        struct jval *notes;      /* array of strings */
        char *retry_of;          /* run_id */
        char *parent_run_id;
        usec_t due_at;         /* the due instant it was started for */
        char *definition_hash; /* of the job it ran */
        struct jval *options;  /* object, how it was asked for where that outlives the request: {force, skip_gates:
                                  names, daemon_version}; NULL: nothing. Said once, when the run is made */
        int64_t version;       /* grows with every change */
};

struct attempt_record {
        char run_id[UUID_SIZE];
        char *step_name;    /* never NULL */
        char *item;         /* "" when none, never NULL */
        int32_t attempt;    /* from 1 */
        int32_t step_order; /* from 1 */
        int32_t ordinal;    /* from 1, unique within the run: names the attempt in the sequence index */
        int64_t number;     /* unique within the state folder: names the monitor's sockets */
        enum step_status status;
        enum reason reason;
        usec_t created_at;
        usec_t started_at;
        usec_t completed_at;
        usec_t updated_at;
        int64_t duration_usec;     /* -1 while there is none */
        int64_t records_processed; /* -1 when none were reported */
        int exit_status;   /* -1 when there is none; 128+n never: a signal has reason `signal` and signal_number */
        int signal_number; /* 0 when none */
        char *error_message;
        char *output_log;        /* the last 100 lines */
        struct jval *metrics;    /* object of int64 */
        struct jval *metadata;   /* RESULT= and what the system measured (memory_peak_bytes, cpu_usec, io_read_bytes,
                                    io_write_bytes) */
        char *log_path;          /* below the state folder */
        int64_t processes_ended; /* by force, when it ended */
        int64_t version;
};

/* A step inside of another one, that the program itself reported: OUTER/INNER. They are shown, and never counted in
 * totals. */
bool step_name_is_nested(const char *step_name);
/* A command beside the steps: "STEP:items", "STEP:condition", ":condition" and ":ready" of the job, names that no step
 * can have. They are shown among attempts, and are no steps. */
bool step_name_is_helper(const char *step_name);
/* "step game_logs (item)"; of the commands beside steps the key that named them: "Condition= of step odds". item may be
 * NULL or "". New memory. */
char *step_name_to_text(const char *step_name, const char *item);

/* Copies share the JSON values by reference. */
struct run_record *run_record_copy(const struct run_record *record);
struct run_record *run_record_free(struct run_record *record);
struct attempt_record *attempt_record_copy(const struct attempt_record *record);
struct attempt_record *attempt_record_free(struct attempt_record *record);
/* Frees what the record owns and zeroes it; for records embedded in other structures. */
void run_record_done(struct run_record *record);
void attempt_record_done(struct attempt_record *record);
DEFINE_CLEANUP(struct run_record, run_record_free);
DEFINE_CLEANUP(struct attempt_record, attempt_record_free);

/* As protocol objects: members named as the fields; durations as `duration_seconds` (real); instants RFC 3339; words
 * for enums. */
struct jval *run_record_to_json(const struct run_record *record);
struct jval *attempt_record_to_json(const struct attempt_record *record);

/* What became of a due time. Borrowed strings. */
struct due_record {
        const char *job;
        usec_t due_at;
        usec_t until;  /* 0, or of a record for many: the last of them, or an instant behind it */
        int64_t count; /* how many; 0: more than were counted */
        enum due_outcome outcome;
        const char *reason;     /* a word; NULL: none */
        char run_id[UUID_SIZE]; /* "" when none */
        int64_t run_number;     /* 0 when none */
        usec_t decided_at;
};

/* Who did what, with which outcome. */
struct audit_record {
        usec_t at;
        int64_t uid;
        int64_t pid;
        char *user;      /* the name of uid, or "#1000" */
        char *on_behalf; /* of whom, where a trusted client said so */
        char *method;
        struct jval *params;
        char *outcome;          /* "ok" or the error's kind */
        char run_id[UUID_SIZE]; /* "" when none */
};
