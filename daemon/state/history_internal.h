/* What the files of history share: a question on its way to the reader's thread and back. */
#pragma once

#include <dirent.h>

#include "history.h"
#include "reader.h"

struct question;

/* On the reader's thread: 0 with *ret_answer, or negative errno with an optional error text (error_set). A chore's
 * -EINPROGRESS: a slice is done, and there is more. */
typedef int (*question_fn)(const struct question *question, sqlite3 *db, const char *state_dir,
                           struct jval **ret_answer, char **ret_error);

/* Files that go, or are emptied, in one slice of a chore: a file may take ten milliseconds where the disk is busy. */
#define CHORE_SLICE 8U

/* How far a chore is. */
struct chore {
        size_t at;     /* in its list */
        bool begun;    /* with that one */
        DIR *dir;      /* being read; NULL: none */
        int64_t bytes; /* counted so far */
        int error;     /* the first one */
        char *error_text;
};

struct question {
        struct reader_task task;
        struct history *history; /* counted */
        question_fn ask;
        history_fn fn;
        void *user;
        /* The arguments; which are used depends on the question. */
        struct run_filter filter; /* its texts owned */
        char *params_text;        /* of the filter, as JSON: values are not shared between threads */
        char *selector, *job, *step, *item, *run_id, *request_id;
        struct chore *chore; /* NULL: it is none */
        int64_t uid;
        uint64_t after, offset, limit;
        unsigned last_lines;
        int attempt;
        bool base64;
        /* The result */
        int error;
        char *error_text;
        struct jval *answer;
};

/* history_list.c */
int ask_run_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error);
/* The entries that a list of runs goes along. */
enum list_by {
        LIST_BY_TIME,
        LIST_BY_JOB,
        LIST_BY_MODE,
        LIST_BY_STATUS,
        LIST_BY_TRIGGER,
        LIST_BY_TYPE,
        LIST_BY_PARAMETER,
        _LIST_BY_MAX
};
/* New memory. */
char *run_list_sql(const struct run_filter *filter, bool has_params, enum list_by by);
/* history_run.c */
int ask_run_show(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error);
int ask_request(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                char **ret_error);
int ask_last_runs(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error);
/* history_page.c */
int ask_run_page(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error);
/* history_steps.c */
int ask_step_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error);
int ask_step_counts(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error);
/* history_health.c */
int ask_job_health(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                   char **ret_error);
/* history_why.c */
int ask_run_why(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                char **ret_error);
/* history_summary.c */
int ask_run_summary(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error);
int ask_run_quality(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error);
/* history_children.c */
int ask_value_runs(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                   char **ret_error);
/* `children` of the run: those that it has brought about; of a backfill also how many are done. */
int history_add_children(sqlite3 *db, const struct run_record *parent, struct jval *answer, char **ret_error);
/* history_outcome.c */
int ask_run_outcome(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error);
/* history_audit.c */
int ask_audit_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                   char **ret_error);
/* history_due.c */
int ask_due_times(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error);
/* history_records.c */
int ask_step_records(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                     char **ret_error);
/* history_log.c */
int ask_run_lines(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error);
int ask_log_read(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error);
/* history_keep.c */
int ask_superfluous(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error);
int ask_uncounted(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error);
int ask_ownerless(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error);
int ask_remove_folders(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                       char **ret_error);
/* history_tidy.c */
struct chore *chore_free(struct chore *chore);
int ask_tidy_run(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error);

/* The run that a selector names (NULL: the latest one, of job when that is given): -ENOENT with a text, -EINVAL when a
 * prefix fits several. */
int history_find_run(sqlite3 *db, const char *selector, const char *job, struct run_record **ret, char **ret_error);

/* A backfill is the parent of runs that do its work; it is not compared with what does work of its own. */
#define RUN_IS_BACKFILL "json_extract(options, '$.backfill') IS NOT NULL"

/* history_attempts.c */
typedef void (*history_attempt_fn)(const struct attempt_record *attempt, bool is_last, void *user);
/* The sequence number of the run's last line; 0: none, or its lines are not kept any more. */
uint64_t history_last_line(const char *state_dir, const char *run_id);
/* All attempts of the run in the order of step, item, attempt; without what they printed. is_last: no further one of
 * its step and item follows. */
int history_walk_attempts(sqlite3 *db, const char *run_id, history_attempt_fn take, void *user, char **ret_error);

/* Of all lists: entries of a page unless said, and at the most; and what they may take of an answer, which has to fit
 * into a frame of 1 MiB. */
#define HISTORY_LIST_DEFAULT 50
#define HISTORY_LIST_MAX 1000
#define HISTORY_LIST_BYTES ((size_t)600 * 1024)

/* history_query.c */
/* What an entry takes of an answer. */
size_t history_weight(const struct jval *entry);
/* A statement for this one question; -EIO with a text. */
int history_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, char **ret_error);
int history_db_error(sqlite3 *db, char **ret_error);
/* Binds a parameter by its name; one that the statement does not have is passed over. The text stays the caller's. */
void history_bind_text(sqlite3_stmt *statement, const char *name, const char *text);
void history_bind_int(sqlite3_stmt *statement, const char *name, int64_t value);
/* Valid until the next row; NULL for NULL. */
const char *history_text_at(sqlite3_stmt *statement, int column);
/* The arguments that came as JSON (params_text): an object of the caller's own. */
struct jval *history_asked(const struct question *question);
/* A member of it that is an instant; 0: there is none. */
usec_t history_instant(const struct jval *asked, const char *key);

static inline void finalizep(sqlite3_stmt **statement) {
        (void)sqlite3_finalize(*statement);
}
#define _cleanup_statement_ _cleanup_(finalizep)
