/* Retention on the reader's thread: which ended runs go, what lies about that nobody needs, and the removal of folders
 * whose rows are gone. Rows go first (on the store's thread), folders after them: what a crash leaves between is a
 * folder without a row. A mark in it,
 * made before, tells it from the folder of a run whose row was lost with a damaged state.db: that one is all that is
 * left of the run, and stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errortext.h"
#include "fileutil.h"
#include "history_internal.h"
#include "retention.h"
#include "strutil.h"
#include "uuid.h"
#include "xalloc.h"

/* Of each kind in one answer: the thread has other questions to answer in between. */
#define PAGE 100

/* Newest first, from a table as narrow as can be. */
static const char ended_sql[] = "SELECT run_number, job, completed_at, bytes FROM ended_runs ORDER BY run_number DESC";
static const char may_go_sql[] =
        "SELECT r.run_id FROM runs AS r WHERE r.run_number = ?1 AND r.status NOT IN ('queued', 'running')"
        " AND (?2 = 0 OR (r.version <= r.mirrored AND NOT EXISTS"
        " (SELECT 1 FROM attempts AS a WHERE a.run_id = r.run_id AND a.version > a.mirrored)))";
/* Both sides from indexes alone. */
static const char uncounted_sql[] = "SELECT run_id, run_number FROM runs WHERE run_number IN (SELECT run_number FROM "
                                    "runs WHERE status NOT IN ('queued', 'running')"
                                    " EXCEPT SELECT run_number FROM ended_runs) LIMIT ?1";
static const char has_run_sql[] = "SELECT 1 FROM runs WHERE run_id = ?1";

static struct keep keep_of(const struct jval *value) {
        return (struct keep){
                .age = (usec_t)jval_get_int(value, "age", -1),
                .runs = (uint64_t)jval_get_int(value, "runs", -1),
                .bytes = (uint64_t)jval_get_int(value, "bytes", -1),
        };
}

static struct retention *retention_of(const struct jval *rules) {
        struct jval *jobs = jval_get(rules, "jobs");
        struct keep all = keep_of(jval_get(rules, "all"));
        struct retention *retention = retention_new(&all, (usec_t)jval_get_int(rules, "now", 0));

        for (void *i = jval_iter(jobs); i; i = jval_iter_next(jobs, i)) {
                struct keep keep = keep_of(jval_iter_value(i));

                retention_add_job(retention, jval_iter_key(i), &keep);
        }
        return retention;
}

#define MARK "going"

static void mark(const char *state_dir, const char *run_id) {
        _cleanup_free_ char *path = xasprintf("%s/runs/%s/" MARK, state_dir, run_id);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        (void)fd; /* without it a crash right after this leaves the folder for good */
}

/* Adds the run to those that go; false when it cannot yet. */
static bool let_go(sqlite3_stmt *may_go, const char *state_dir, int64_t number, bool mirrored, struct jval *going) {
        bool goes;

        (void)sqlite3_reset(may_go);
        (void)sqlite3_bind_int64(may_go, 1, number);
        (void)sqlite3_bind_int(may_go, 2, mirrored);
        goes = sqlite3_step(may_go) == SQLITE_ROW;
        if (goes) {
                struct jval *run = jval_object();

                jval_set_int(run, "run_number", number);
                jval_set_str(run, "run_id", (const char *)sqlite3_column_text(may_go, 0));
                jval_add(going, run);
                mark(state_dir, jval_get_str(run, "run_id"));
        }
        return goes;
}

static int walk(sqlite3_stmt *ended, sqlite3_stmt *may_go, const char *state_dir, struct retention *retention,
                bool mirrored, struct jval *going) {
        int code = SQLITE_DONE;

        while (jval_array_size(going) < PAGE && (code = sqlite3_step(ended)) == SQLITE_ROW) {
                const struct ended_run run = {
                        .job = (const char *)sqlite3_column_text(ended, 1),
                        .completed_at = (usec_t)sqlite3_column_int64(ended, 2),
                        .bytes = (uint64_t)sqlite3_column_int64(ended, 3),
                };

                if (!retention_exceeds(retention, &run) ||
                    !let_go(may_go, state_dir, sqlite3_column_int64(ended, 0), mirrored, going))
                        retention_stays(retention, &run);
        }
        return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -EIO;
}

int ask_superfluous(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *ended = NULL, *may_go = NULL;
        _cleanup_jval_ struct jval *rules = NULL, *going = jval_array();
        struct retention *retention;
        int r = jval_parse(question->params_text, strlen(question->params_text), &rules, NULL);

        if (r == 0)
                r = history_prepare(db, ended_sql, &ended, ret_error);
        if (r == 0)
                r = history_prepare(db, may_go_sql, &may_go, ret_error);
        if (r < 0)
                return r;
        retention = retention_of(rules);
        r = walk(ended, may_go, state_dir, retention, jval_get_bool(rules, "mirrored", true), going);
        (void)retention_free(retention);
        if (r < 0)
                return history_db_error(db, ret_error);
        *ret_answer = jval_object();
        jval_set_bool(*ret_answer, "more", jval_array_size(going) >= PAGE);
        jval_set(*ret_answer, "runs", STEAL_PTR(going));
        return 0;
}

int ask_uncounted(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *runs = jval_array();
        int code, r = history_prepare(db, uncounted_sql, &statement, ret_error);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 1, PAGE);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                struct jval *run = jval_object();

                jval_set_str(run, "run_id", (const char *)sqlite3_column_text(statement, 0));
                jval_set_int(run, "run_number", sqlite3_column_int64(statement, 1));
                jval_add(runs, run);
        }
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        *ret_answer = jval_object();
        jval_set(*ret_answer, "runs", STEAL_PTR(runs));
        return 0;
}

/* 1: it has; 0: it has not; or negative errno. What cannot be read counts as there. */
static int has_run(sqlite3_stmt *statement, const char *run_id) {
        int code;

        (void)sqlite3_reset(statement);
        (void)sqlite3_bind_text(statement, 1, run_id, -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
        return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : -EIO;
}

/* Whether nothing is lost with the folder: it is marked, or nothing was ever begun in it. */
static bool may_be_removed(const char *state_dir, const char *run_id) {
        _cleanup_free_ char *path = xasprintf("%s/runs/%s", state_dir, run_id);
        bool marked = false, holds = false;
        struct dirent *entry;
        DIR *dir = opendir(path);

        if (!dir)
                return false;
        while ((entry = readdir(dir))) {
                marked |= streq(entry->d_name, MARK);
                holds |= endswith(entry->d_name, ".log") || endswith(entry->d_name, ".attempt");
        }
        (void)closedir(dir);
        return marked || !holds;
}

int ask_ownerless(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *folders = jval_array();
        _cleanup_free_ char *path = path_join(state_dir, "runs");
        struct dirent *entry;
        int64_t unknown = 0;
        DIR *dir;
        int r = history_prepare(db, has_run_sql, &statement, ret_error);

        if (r < 0)
                return r;
        dir = opendir(path);
        if (!dir && errno != ENOENT)
                return -errno;
        while (dir && jval_array_size(folders) < PAGE && (entry = readdir(dir))) {
                if (!uuid_is_valid(entry->d_name) || has_run(statement, entry->d_name) != 0)
                        continue;
                if (may_be_removed(state_dir, entry->d_name))
                        jval_add(folders, jval_string(entry->d_name));
                else
                        unknown++;
        }
        if (dir)
                (void)closedir(dir);
        *ret_answer = jval_object();
        jval_set(*ret_answer, "folders", STEAL_PTR(folders));
        jval_set_int(*ret_answer, "unknown", unknown);
        return 0;
}

/* The next part of one folder; the mark goes last, so that what a crash leaves is known for what it is. */
static int remove_folder(struct chore *chore, sqlite3_stmt *statement, const char *state_dir, const char *id) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (!id || !uuid_is_valid(id))
                return 0;
        /* Looked up again: only now is it sure that nothing was recorded meanwhile. */
        if (!chore->begun && (has_run(statement, id) != 0 || !may_be_removed(state_dir, id)))
                return 0;
        chore->begun = true;
        path = xasprintf("%s/runs/%s", state_dir, id);
        r = remove_tree_part(path, CHORE_SLICE, MARK);
        if (r < 0 && r != -ENOENT && chore->error == 0)
                chore->error = error_set(&chore->error_text, r, "cannot remove %s: %s", path, strerror(-r));
        return r;
}

int ask_remove_folders(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                       char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *folders = NULL;
        struct chore *chore = question->chore;
        int r = jval_parse(question->params_text, strlen(question->params_text), &folders, NULL);

        if (r == 0)
                r = history_prepare(db, has_run_sql, &statement, ret_error);
        if (r < 0)
                return r;
        if (chore->at < jval_array_size(folders)) {
                if (remove_folder(chore, statement, state_dir, jval_str(jval_at(folders, chore->at))) <= 0) {
                        chore->at++;
                        chore->begun = false;
                }
                return -EINPROGRESS;
        }
        if (chore->error < 0) {
                *ret_error = STEAL_PTR(chore->error_text);
                return chore->error;
        }
        *ret_answer = jval_object();
        return 0;
}
