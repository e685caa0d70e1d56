/* Where the daemon's own messages go: the journal, the console (stderr) or a file. None of them can hold up the daemon:
 * what a sink does not take is counted and said when it does again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_target { LOG_TARGET_JOURNAL, LOG_TARGET_CONSOLE, LOG_TARGET_FILE };
enum log_layout { LOG_LAYOUT_TEXT, LOG_LAYOUT_JSON };

struct log_sink_config {
        enum log_target target;
        enum log_layout layout; /* of console and file; the journal has fields of its own */
        const char *path;       /* LOG_TARGET_FILE */
        uint64_t rotate_size;   /* bytes; 0: never */
        unsigned rotate_keep;   /* older files beside the current one */
        const char *identifier; /* SYSLOG_IDENTIFIER= */
};

#define LOG_ROTATE_SIZE_DEFAULT ((uint64_t)10 * 1024 * 1024)
#define LOG_ROTATE_KEEP_DEFAULT 5

/* The words of LogTarget= and LogFormat=, or -EINVAL. */
int log_target_from_string(const char *text);
int log_layout_from_string(const char *text);
/* The journal when stderr is connected to it ($JOURNAL_STREAM, systemd.exec(5)), else the console. */
enum log_target log_target_default(void);

/* Sends log.h's messages there from now on; may be called again. Negative errno with *ret_error saying what is wrong;
 * the earlier sink then stays. */
int log_sink_setup(const struct log_sink_config *config, char **ret_error);
/* Opens the log file anew (SIGHUP, after logrotate). 0 or negative errno. */
int log_sink_reopen(void);
/* Back to log.h's own sink. No other thread may log any more. */
void log_sink_done(void);
