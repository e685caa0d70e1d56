/* Reading log files in the CRI format ("2026-11-22T12:00:00.123456789Z stdout F text"), which the monitors write. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "jval.h"
#include "timeutil.h"

/* One line of a file, in place: text is not terminated and may hold bytes that are not UTF-8. */
struct cri_line {
        uint64_t time_nsec; /* since the epoch */
        bool is_stderr;
        bool is_partial; /* P: the line goes on in the next piece */
        const char *text;
        size_t len;
        size_t size; /* bytes of the whole line in the file, its newline included */
};

/* The longest line a monitor writes: 16 KiB of text and what stands before it. */
#define CRI_LINE_MAX ((size_t)16 * 1024 + 64)

/* Takes one line from data. 1: *ret is filled; 0: no whole line there yet; -EBADMSG: the bytes up to and including the
 * next newline (ret->size of them) are no CRI line (torn or foreign); they are to be skipped and counted, never shown
 * as output. */
int cri_parse(const char *data, size_t len, struct cri_line *ret);

/* Appends the members of a line object, without braces:
 * "seq":1,"time":"...","step":"x","item":"y","stream":"stdout","text":"...". 0 or -E2BIG. item "" is left out;
 * "partial":true only for partial lines. */
int cri_append_json(struct buf *buf, const struct cri_line *line, uint64_t sequence, const char *step,
                    const char *item);

/* The last `lines` lines of a log file as plain text (stderr lines marked "[stderr] "), read from its end, at most 256
 * KiB. Blocking: for worker threads. 0 or negative errno. */
int cri_tail_text(const char *path, unsigned lines, char **ret);
