/* The sequence index of a run: which line of which attempt's log file has which number. An append-only file
 * `<run>/sequence` of fixed-size checksummed records (first sequence, count, attempt ordinal, offset). After a restart
 * the index up to its last whole record is the truth, and what lies behind it in the log files is numbered on. Never
 * fsynced line by line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_index_entry {
        uint64_t first;   /* sequence number of the first line, from 1 */
        uint64_t offset;  /* where that line begins in the file */
        uint64_t end;     /* offset behind the last line of the batch */
        uint32_t count;   /* lines */
        uint32_t ordinal; /* attempt_record.ordinal */
};

struct log_index;

/* Opens or creates; a torn last record is cut off. Reads nothing else; ret_next is the next free sequence number. */
int log_index_open(struct log_index **ret, const char *run_dir, uint64_t *ret_next);
struct log_index *log_index_close(struct log_index *index);
int log_index_append(struct log_index *index, const struct log_index_entry *entry);
/* Calls fn for the entries from the one that holds sequence `from` on, in order, until fn returns non-zero (which is
 * returned). */
int log_index_scan(const char *run_dir, uint64_t from, int (*fn)(const struct log_index_entry *entry, void *user),
                   void *user);
/* The next free sequence number; 1 when there is no index yet. Changes nothing. */
int log_index_next(const char *run_dir, uint64_t *ret_next);
/* For an attempt: the offset behind its last indexed line (0 when none). */
int log_index_resume_offset(const char *run_dir, uint32_t ordinal, uint64_t *ret_offset);

/* Names: "<NN>-<step>[.<item>].<attempt>.log" with the parts made safe; new memory. */
char *log_file_name(int step_order, const char *step, const char *item, int attempt);
