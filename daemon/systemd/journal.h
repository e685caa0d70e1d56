/* Entries into the systemd journal, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), sent without ever
 * blocking: sd_journal_send waits for as long as journald does not read. What cannot be sent is counted, and said in
 * the journal as soon as it takes entries again. Thread-safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct journal;

/* path: normally JOURNAL_SOCKET. 0 also when nobody listens there now; negative errno without a socket at all. */
int journal_open(struct journal **ret, const char *path, const char *identifier);
struct journal *journal_close(struct journal *journal);
/* 0, or negative errno of an entry that was dropped and counted (-EAGAIN: journald does not keep up). */
int journal_send(struct journal *journal, enum log_level level, const struct log_context *context, const char *message);
/* Entries dropped so far that no entry has told of yet. */
uint64_t journal_lost(struct journal *journal);

/* The entry's bytes, behind the buffer's content: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, MESSAGE_ID, BATCH_RUN_ID,
 * BATCH_JOB, BATCH_STEP, BATCH_ITEM. 0 or -E2BIG. */
int journal_encode(struct buf *out, const char *identifier, enum log_level level, const struct log_context *context,
                   const char *message);
