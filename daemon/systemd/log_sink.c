#include "log_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "errortext.h"
#include "journal.h"
#include "log.h"
#include "log_file.h"
#include "log_format.h"
#include "message_ids.h"
#include "strutil.h"
#include "timeutil.h"
#include "xalloc.h"

/* Longest line; the rest of a message is cut. */
#define LINE_MAX_BYTES ((size_t)64 * 1024)

/* log.h's sink has no argument, so there is one for the process. */
static struct {
        pthread_mutex_t lock;
        enum log_layout layout;
        struct log_style style;
        struct journal *journal;
        struct log_file *file;
        uint64_t lost;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

int log_target_from_string(const char *text) {
        static const char *const words[] = {
                [LOG_TARGET_JOURNAL] = "journal", [LOG_TARGET_CONSOLE] = "console", [LOG_TARGET_FILE] = "file"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i], text))
                        return (int)i;
        return -EINVAL;
}

int log_layout_from_string(const char *text) {
        static const char *const words[] = {[LOG_LAYOUT_TEXT] = "text", [LOG_LAYOUT_JSON] = "json"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i], text))
                        return (int)i;
        return -EINVAL;
}

/* $JOURNAL_STREAM is "DEVICE:INODE" of the socket that systemd connected. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        _cleanup_free_ char *connected = NULL;
        struct stat status;

        if (!stream || fstat(STDERR_FILENO, &status) < 0)
                return false;
        connected = xasprintf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
        return streq(stream, connected);
}

enum log_target log_target_default(void) {
        return stderr_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_CONSOLE;
}

/* Writes as much as stderr takes without waiting: a pipe that polls writable takes PIPE_BUF bytes, so longer lines go
 * in pieces. */
static int write_console(const char *data, size_t len) {
        while (len > 0) {
                struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
                ssize_t n;

                if (poll(&ready, 1, 0) < 0 || !(ready.revents & POLLOUT))
                        return -EAGAIN;
                n = write(STDERR_FILENO, data, MIN(len, (size_t)PIPE_BUF));
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        data += n;
                        len -= (size_t)n;
                }
        }
        return 0;
}

static int write_line(enum log_level level, const struct log_context *context, const char *message) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINE_MAX_BYTES);
        usec_t now = now_realtime();
        int r;

        r = sink.layout == LOG_LAYOUT_JSON ? log_format_json(&line, level, context, message, now)
                                           : log_format_text(&line, sink.style, level, context, message, now);
        if (r < 0)
                return r;
        return sink.file ? log_file_write(sink.file, buf_data(&line), line.len)
                         : write_console(buf_data(&line), line.len);
}

static void tell_lost(void) {
        const struct log_context about = {.message_id = MESSAGE_ID_MESSAGES_LOST};
        char text[96];

        (void)snprintf(text, sizeof(text), "%" PRIu64 " messages are missing here: they could not be written",
                       sink.lost);
        if (write_line(LOG_LEVEL_WARNING, &about, text) >= 0)
                sink.lost = 0;
}

static int write_cut(enum log_level level, const struct log_context *context, const char *message) {
        int r = write_line(level, context, message);

        if (r == -E2BIG) {
                /* Even if every byte of it has to be escaped. */
                _cleanup_free_ char *cut = xstrndup(message, LINE_MAX_BYTES / 8);

                r = write_line(level, context, cut);
        }
        return r;
}

static void sink_message(enum log_level level, const struct log_context *context, const char *message) {
        (void)pthread_mutex_lock(&sink.lock);
        if (sink.journal) {
                (void)journal_send(sink.journal, level, context, message);
        } else {
                if (sink.lost > 0)
                        tell_lost();
                if (sink.lost > 0 || write_cut(level, context, message) < 0)
                        sink.lost++;
        }
        (void)pthread_mutex_unlock(&sink.lock);
}

static struct log_style choose_style(const struct log_sink_config *config) {
        bool console = config->target == LOG_TARGET_CONSOLE;
        const char *no_colour = getenv("NO_COLOR");

        return (struct log_style){
                .priority = console && stderr_is_journal(),
                .colour = console && isatty(STDERR_FILENO) && !(no_colour && *no_colour),
        };
}

static int open_target(const struct log_sink_config *config, struct journal **journal, struct log_file **file,
                       char **ret_error) {
        int r = 0;

        switch (config->target) {
        case LOG_TARGET_JOURNAL:
                r = journal_open(journal, JOURNAL_SOCKET, config->identifier);
                if (r < 0)
                        return error_set(ret_error, r,
                                         "the journal cannot be used: %s; LogTarget=console is always there",
                                         strerror(-r));
                break;
        case LOG_TARGET_FILE:
                r = log_file_open(file, config->path, config->rotate_size, config->rotate_keep);
                if (r < 0)
                        return error_set(ret_error, r, "%s: cannot be opened as the log file: %s", config->path,
                                         strerror(-r));
                break;
        case LOG_TARGET_CONSOLE:
                break;
        }
        return 0;
}

int log_sink_setup(const struct log_sink_config *config, char **ret_error) {
        struct journal *journal = NULL;
        struct log_file *file = NULL;
        int r = open_target(config, &journal, &file, ret_error);

        if (r < 0)
                return r;
        (void)pthread_mutex_lock(&sink.lock);
        journal_close(sink.journal);
        log_file_close(sink.file);
        sink.layout = config->layout;
        sink.style = choose_style(config);
        sink.journal = journal;
        sink.file = file;
        (void)pthread_mutex_unlock(&sink.lock);
        log_set_sink(sink_message);
        return 0;
}

int log_sink_reopen(void) {
        int r;

        (void)pthread_mutex_lock(&sink.lock);
        r = sink.file ? log_file_reopen(sink.file) : 0;
        (void)pthread_mutex_unlock(&sink.lock);
        return r;
}

void log_sink_done(void) {
        log_set_sink(NULL);
        sink.journal = journal_close(sink.journal);
        sink.file = log_file_close(sink.file);
}
