/* Questions about log files, on the reader's thread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base64.h"
#include "cri.h"
#include "errortext.h"
#include "fileutil.h"
#include "history_internal.h"
#include "log_index.h"
#include "macro.h"
#include "rows.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

#define LINES_DEFAULT 500
#define LINES_MAX 5000
#define LINES_TEXT_MAX ((size_t)512 * 1024)
#define READ_DEFAULT ((uint64_t)64 * 1024)
#define READ_MAX ((uint64_t)512 * 1024)
#define ANSWER_MAX ((size_t)768 * 1024) /* of text as it stands in JSON; a frame holds 1 MiB */

/* The log files of a run, by ordinal. */
struct file {
        uint32_t ordinal;
        char *step, *item, *path;
        int fd; /* -1: not open */
};

struct files {
        struct file *items;
        size_t count, capacity;
};

static void files_done(struct files *files) {
        for (size_t i = 0; i < files->count; i++) {
                struct file *file = &files->items[i];
                if (file->fd >= 0)
                        (void)close(file->fd);
                free(file->step);
                free(file->item);
                free(file->path);
        }
        free(files->items);
}

/* log_path is below the state folder; a path that leaves it is nobody's but ours to write, and is refused all the same.
 */
static char *absolute_path(const char *state_dir, const char *log_path) {
        if (!log_path || log_path[0] == '/' || startswith(log_path, "../") || strstr(log_path, "/../"))
                return NULL;
        return path_join(state_dir, log_path);
}

static int load_files(sqlite3 *db, const char *state_dir, const char *run_id, struct files *files, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r;

        r = history_prepare(
                db, "SELECT ordinal, step_name, item, log_path FROM attempts WHERE run_id = ?1 ORDER BY ordinal",
                &statement, ret_error);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(statement, 1, run_id, -1, SQLITE_STATIC);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                GROW(files->items, files->count, files->capacity);
                files->items[files->count++] = (struct file){
                        .ordinal = (uint32_t)sqlite3_column_int(statement, 0),
                        .step = xstrdup(str_or((const char *)sqlite3_column_text(statement, 1), "")),
                        .item = xstrdup(str_or((const char *)sqlite3_column_text(statement, 2), "")),
                        .path = absolute_path(state_dir, (const char *)sqlite3_column_text(statement, 3)),
                        .fd = -1,
                };
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

/* NULL when the run has no such attempt or its file is gone. */
static struct file *open_file(struct files *files, uint32_t ordinal) {
        for (size_t i = 0; i < files->count; i++) {
                struct file *file = &files->items[i];
                if (file->ordinal != ordinal)
                        continue;
                if (file->fd < 0 && file->path)
                        file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
                return file->fd >= 0 ? file : NULL;
        }
        return NULL;
}

struct collection {
        struct files files;
        struct jval *lines;
        uint64_t from;  /* the first sequence wanted */
        uint64_t limit; /* lines */
        uint64_t first, last;
        size_t text;
        bool full;
};

static void add_line(struct collection *collection, const struct file *file, const struct cri_line *line,
                     uint64_t sequence) {
        struct jval *object = jval_object();
        char stamp[RFC3339_SIZE];

        jval_set_int(object, "seq", (int64_t)sequence);
        jval_set_str(object, "time", format_rfc3339(stamp, line->time_nsec / 1000));
        jval_set_str(object, "step", file->step);
        if (*file->item)
                jval_set_str(object, "item", file->item);
        jval_set_str(object, "stream", line->is_stderr ? "stderr" : "stdout");
        if (line->is_partial)
                jval_set_bool(object, "partial", true);
        jval_set(object, "text", jval_stringn(line->text, line->len));
        jval_add(collection->lines, object);
        if (collection->first == 0)
                collection->first = sequence;
        collection->last = sequence;
        collection->text += line->len + 128;
}

/* The lines of one index entry. Lines that do not parse are skipped and take no number. */
static int collect(const struct log_index_entry *entry, void *user) {
        struct collection *collection = user;
        struct file *file = open_file(&collection->files, entry->ordinal);
        uint64_t sequence = entry->first, offset = entry->offset;

        if (!file)
                return 0;
        _cleanup_free_ char *block = xmalloc(CRI_LINE_MAX * 4);
        while (offset < entry->end && sequence < entry->first + entry->count) {
                ssize_t n = pread(file->fd, block, MIN((uint64_t)CRI_LINE_MAX * 4, entry->end - offset), (off_t)offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return 0;
                size_t at = 0;
                struct cri_line line;
                int r = 0;
                while (at < (size_t)n && (r = cri_parse(block + at, (size_t)n - at, &line)) != 0) {
                        at += line.size;
                        if (r < 0)
                                continue;
                        if (sequence >= collection->from) {
                                if (jval_array_size(collection->lines) >= collection->limit ||
                                    (collection->text > 0 && collection->text + line.len > LINES_TEXT_MAX)) {
                                        collection->full = true;
                                        return 1;
                                }
                                add_line(collection, file, &line, sequence);
                        }
                        sequence++;
                }
                if (at == 0)
                        return 0;
                offset += at;
        }
        return 0;
}

static struct jval *collection_answer(struct collection *collection) {
        struct jval *answer = jval_object();

        jval_set(answer, "lines", STEAL_PTR(collection->lines));
        jval_set_int(answer, "first", (int64_t)collection->first);
        jval_set_int(answer, "last", (int64_t)collection->last);
        if (collection->full)
                jval_set_int(answer, "next", (int64_t)collection->last);
        return answer;
}

uint64_t history_last_line(const char *state_dir, const char *run_id) {
        _cleanup_free_ char *runs = path_join(state_dir, "runs");
        _cleanup_free_ char *run_dir = path_join(runs, run_id);
        uint64_t next = 1;

        return log_index_next(run_dir, &next) < 0 ? 0 : next - 1;
}

int ask_run_lines(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error) {
        _cleanup_free_ char *runs = path_join(state_dir, "runs");
        _cleanup_free_ char *run_dir = path_join(runs, question->run_id);
        struct collection collection = {
                .from = question->after + 1,
                .limit = question->limit ? MIN(question->limit, (uint64_t)LINES_MAX) : LINES_DEFAULT,
        };
        uint64_t next = 1;
        int r;

        if (!uuid_is_valid(question->run_id))
                return error_set(ret_error, -EINVAL, "%s is no run id", question->run_id);
        if (question->last_lines > 0) {
                r = log_index_next(run_dir, &next);
                if (r < 0)
                        return error_set(ret_error, r, "cannot read the sequence index in %s: %s", run_dir,
                                         strerror(-r));
                if (next > question->last_lines)
                        collection.from = MAX(collection.from, next - question->last_lines);
        }
        r = load_files(db, state_dir, question->run_id, &collection.files, ret_error);
        if (r >= 0) {
                collection.lines = jval_array();
                r = log_index_scan(run_dir, collection.from, collect, &collection);
                if (r < 0)
                        (void)error_set(ret_error, r, "cannot read the sequence index in %s: %s", run_dir,
                                        strerror(-r));
                else
                        *ret_answer = collection_answer(&collection);
        }
        files_done(&collection.files);
        (void)jval_unref(collection.lines);
        return r < 0 ? r : 0;
}

/* What was asked for is not there: -ENOENT. */
static int no_such_attempt(const struct question *question, int64_t run_number, char **ret_error) {
        _cleanup_free_ char *item = question->item ? xasprintf(" (%s)", question->item) : xstrdup("");
        _cleanup_free_ char *attempt =
                question->attempt > 0 ? xasprintf("attempt %d of ", question->attempt) : xstrdup("");

        if (question->step)
                return error_set(ret_error, -ENOENT,
                                 "see batchctl status %" PRId64 ": run %" PRId64 " has no %sstep %s%s", run_number,
                                 run_number, attempt, question->step, item);
        return error_set(ret_error, -ENOENT, "run %" PRId64 " has no log: no step of it was started", run_number);
}

/* Of several attempts of a step and item the last that was begun, unless one is asked for. */
#define IS_MEANT                                                                                                       \
        " AND (attempt = ?4 OR (?4 = 0 AND NOT EXISTS (SELECT 1 FROM attempts AS later WHERE later.run_id = ?1"        \
        " AND later.step_name = attempts.step_name AND later.item = attempts.item"                                     \
        " AND later.attempt > attempts.attempt AND later.started_at > 0)))"

/* Which attempt: what is asked for; else the first step that did not succeed, else the last one. */
static int find_attempt(const struct question *question, sqlite3 *db, const struct run_record *run,
                        struct attempt_record **ret, char **ret_error) {
        static const char by_name[] = "SELECT " ATTEMPT_COLUMNS " FROM attempts WHERE run_id = ?1 AND step_name = ?2"
                                      " AND (?3 IS NULL OR item = ?3)" IS_MEANT
                                      " ORDER BY item = '' DESC, status = 'failed' DESC, ordinal DESC LIMIT 1";
        static const char by_fate[] =
                "SELECT " ATTEMPT_COLUMNS " FROM attempts WHERE run_id = ?1 AND log_path IS NOT NULL"
                " AND (?3 IS NULL OR item = ?3)" IS_MEANT
                " ORDER BY CASE WHEN status = 'failed' THEN 0 WHEN status = 'cancelled' THEN 1"
                " WHEN status = 'running' THEN 2 ELSE 3 END,"
                " CASE WHEN status IN ('failed', 'cancelled', 'running') THEN step_order ELSE -step_order END,"
                " ordinal DESC LIMIT 1";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(db, question->step ? by_name : by_fate, &statement, ret_error);

        if (r < 0)
                return r;
        (void)sqlite3_bind_text(statement, 1, run->run_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 2, question->step, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 3, question->item, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int(statement, 4, question->attempt);
        int code = sqlite3_step(statement);
        if (code == SQLITE_DONE)
                return no_such_attempt(question, run->run_number, ret_error);
        if (code != SQLITE_ROW)
                return history_db_error(db, ret_error);
        *ret = attempt_record_from_row(statement);
        return 0;
}

/* How many of the bytes fit into an answer as JSON text, cut at the last whole line (or at a character's border). */
static size_t fit_text(const char *data, size_t len, bool at_end) {
        size_t cost = 0, n = 0;

        while (n < len) {
                size_t sequence = utf8_sequence_length(data + n, len - n);
                unsigned char c = (unsigned char)data[n];
                size_t more = sequence > 1              ? sequence
                              : sequence == 0 || c == 0 ? 5
                              : c < 0x20                ? 6
                              : c == '"' || c == '\\'   ? 2
                                                        : 1;
                if (cost + more > ANSWER_MAX)
                        break;
                cost += more;
                n += sequence > 0 ? sequence : 1;
        }
        if (n == len && at_end)
                return n;
        const char *newline = memrchr(data, '\n', n);
        if (newline)
                return (size_t)(newline - data) + 1;
        /* A character that goes on behind the block is left for the next one. */
        for (size_t back = 1; n == len && back < 4 && back < n; back++)
                if (((unsigned char)data[n - back] & 0xC0) == 0xC0)
                        return utf8_sequence_length(data + n - back, back) > 0 ? n : n - back;
        return n;
}

static int read_block(const char *path, uint64_t offset, uint64_t limit, char **ret, size_t *ret_len,
                      uint64_t *ret_size) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        uint64_t size = (uint64_t)st.st_size;
        size_t want = offset < size ? (size_t)MIN(limit, size - offset) : 0;
        _cleanup_free_ char *data = xmalloc(want + 1);
        ssize_t n = pread_full(fd, data, want, (off_t)offset);
        if (n < 0)
                return (int)n;
        size_t got = (size_t)n;
        *ret = STEAL_PTR(data);
        *ret_len = got;
        *ret_size = size;
        return 0;
}

static struct jval *block_answer(const struct question *question, const struct attempt_record *attempt,
                                 const char *data, size_t len, uint64_t size) {
        struct jval *answer = jval_object();

        jval_set_str(answer, "run_id", attempt->run_id);
        jval_set_str(answer, "step", attempt->step_name);
        if (*attempt->item)
                jval_set_str(answer, "item", attempt->item);
        jval_set_int(answer, "attempt", attempt->attempt);
        jval_set_int(answer, "offset", (int64_t)question->offset);
        jval_set_int(answer, "size", (int64_t)size);
        if (question->base64) {
                _cleanup_free_ char *text = base64_encode(data, len);
                jval_set_str(answer, "base64", text);
        } else {
                len = fit_text(data, len, question->offset + len >= size);
                jval_set(answer, "text", jval_stringn(data, len));
        }
        if (question->offset + len < size)
                jval_set_int(answer, "next", (int64_t)(question->offset + len));
        return answer;
}

int ask_log_read(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error) {
        uint64_t limit = question->limit ? MIN(question->limit, READ_MAX) : READ_DEFAULT;
        _cleanup_(run_record_freep) struct run_record *run = NULL;
        _cleanup_(attempt_record_freep) struct attempt_record *attempt = NULL;
        _cleanup_free_ char *data = NULL;
        uint64_t size = 0;
        size_t len = 0;
        int r;

        r = history_find_run(db, question->selector, NULL, &run, ret_error);
        if (r >= 0)
                r = find_attempt(question, db, run, &attempt, ret_error);
        if (r < 0)
                return r;
        _cleanup_free_ char *path = absolute_path(state_dir, attempt->log_path);
        r = path ? read_block(path, question->offset, limit, &data, &len, &size) : -ENOENT;
        if (r == -ENOENT && (!path || attempt->started_at == 0))
                return error_set(ret_error, -ENOENT, "step %s of run %lld has no log: it was not started",
                                 attempt->step_name, (long long)run->run_number);
        if (r == -ENOENT && !step_status_is_final(attempt->status)) {
                /* Its monitor is about to make the file: nothing is written yet. */
                data = xstrdup("");
                r = 0;
        }
        if (r == -ENOENT)
                return error_set(ret_error, r, "the log of step %s of run %lld is not there any more (%s)",
                                 attempt->step_name, (long long)run->run_number, path);
        if (r < 0)
                return error_set(ret_error, r, "cannot read %s: %s", path, strerror(-r));
        *ret_answer = block_answer(question, attempt, data, len, size);
        return 0;
}
