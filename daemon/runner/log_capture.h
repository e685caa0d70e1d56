/* From the step's pipes into its log file, in the CRI format: split into lines, one timestamp a read, bytes as they
 * are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line of more bytes is written in pieces of this size tagged P, the last one tagged F. */
#define LOG_PIECE_MAX ((size_t)16 * 1024)
#define LOG_READ_SIZE ((size_t)128 * 1024)
#define LOG_OUT_SIZE ((size_t)256 * 1024)
#define FLOOD_WRITE ((uint64_t)4 * 1024 * 1024)

struct log_stream {
        int fd; /* read end of the pipe, blocking; -1 at its end */
        bool is_stderr;
        char *carry; /* the unfinished line, at most LOG_PIECE_MAX */
        size_t carry_len;
        size_t carry_size;
};

struct log_capture {
        int fd;                 /* the log file; written with pwrite */
        uint64_t size;          /* it is whole lines up to here */
        uint64_t lines;         /* in the file */
        uint64_t lines_dropped; /* that could not be written */
        uint64_t lines_unsaid;  /* dropped since the file last said so */
        uint64_t paced;         /* handed to the disk up to here */
        uint64_t written_from;  /* where the bytes in `out` begin in the file, for the last flush */
        int error;              /* errno of the last write that failed, 0: none */
        bool is_torn;           /* a piece of a line lies behind `size` */
        char *in, *out;         /* mapped; only what is touched costs memory */
        size_t out_len;
        uint64_t out_lines;
        bool out_has_note;     /* its first line is the monitor's own: it is no output that could be lost */
        int64_t prefix_second; /* of the date in prefix */
        char prefix[48];
};

int log_capture_init(struct log_capture *capture, int log_fd);
void log_capture_done(struct log_capture *capture);
/* Forgets what the last flush wrote; to be called before the reads of a pass. */
void log_capture_begin(struct log_capture *capture);
/* One read of the pipe. Bytes, 0 at the end (the stream is closed and its last line finished), or negative errno. */
ssize_t log_capture_read(struct log_capture *capture, struct log_stream *stream);
/* Writes what the reads since log_capture_begin gave. Lines that cannot be written are dropped and counted, later ones
 * tried again; before the first that can be written again a line on stderr says how many are missing. */
void log_capture_flush(struct log_capture *capture);
/* Ends a stream early: the unfinished line is finished, the pipe closed. */
void log_capture_close_stream(struct log_capture *capture, struct log_stream *stream);
/* A line of the monitor's own, on stderr, to be flushed: why the command could not be started. */
void log_capture_say(struct log_capture *capture, const char *text);
/* Cuts off a torn piece at the end. */
void log_capture_finish(struct log_capture *capture);
/* Gives the buffers' memory back after a flood. */
void log_capture_trim(struct log_capture *capture);
