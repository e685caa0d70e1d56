#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "step_report.h"
#include "timeutil.h"

#define SEND_TRIES 20
#define SEND_WAIT_MSEC 10

/* The connected socket; -1 when there is nobody to report to. */
static int report_socket(void) {
        static int fd = -2;
        if (fd != -2)
                return fd;
        fd = -1;
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
                return fd;
        memcpy(address.sun_path, path, strlen(path));
        socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        if (path[0] == '@')
                address.sun_path[0] = '\0';
        else
                length++;
        int candidate = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (candidate < 0)
                return fd;
        if (connect(candidate, (struct sockaddr *)&address, length) < 0)
                (void)close(candidate);
        else
                fd = candidate;
        return fd;
}

static void send_text(const char *text, size_t length) {
        int fd = report_socket();
        if (fd < 0)
                return;
        for (int i = 0; i < SEND_TRIES; i++) {
                if (send(fd, text, length, MSG_NOSIGNAL) >= 0)
                        return;
                if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
                        return;
                struct pollfd waiting = {.fd = fd, .events = POLLOUT};
                (void)poll(&waiting, 1, SEND_WAIT_MSEC);
        }
}

/* Where a text that is cut at `length` bytes may end without splitting a UTF-8 sequence. */
static size_t cut_at_character(const char *text, size_t length) {
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
                length--;
        return length;
}

static void send_formatted(const char *prefix, bool one_line, const char *format, va_list arguments) PRINTF_LIKE(3, 0);
static void send_formatted(const char *prefix, bool one_line, const char *format, va_list arguments) {
        char text[REPORT_TEXT_MAX + 256];
        int start = snprintf(text, 128, "%s", prefix);
        int wanted = vsnprintf(text + start, sizeof(text) - (size_t)start, format, arguments);
        if (wanted < 0)
                return;
        size_t length =
                (size_t)wanted > REPORT_TEXT_MAX ? cut_at_character(text + start, REPORT_TEXT_MAX) : (size_t)wanted;
        text[(size_t)start + length] = '\0';
        for (char *c = text; one_line && *c; c++)
                if (*c == '\n' || *c == '\r')
                        *c = ' ';
        send_text(text, (size_t)start + length);
}

void report_line(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        send_formatted("", false, format, arguments);
        va_end(arguments);
}

void report_status(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        send_formatted("STATUS=", true, format, arguments);
        va_end(arguments);
}

void report_progress(int64_t done, int64_t total) {
        report_line("PROGRESS=%lld/%lld", (long long)done, (long long)total);
}

void report_metric(const char *name, int64_t delta) {
        report_line("METRIC=%s+=%lld", name, (long long)delta);
}

void report_warning(const char *category, const char *format, ...) {
        char prefix[128];
        (void)snprintf(prefix, sizeof(prefix), "WARNING=%s: ", category);
        va_list arguments;
        va_start(arguments, format);
        send_formatted(prefix, true, format, arguments);
        va_end(arguments);
}

void report_note(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        send_formatted("NOTE=", true, format, arguments);
        va_end(arguments);
}

void report_item(const char *name) {
        report_line("ITEM=%s", name);
}

void report_heartbeat(void) {
        static usec_t last;
        usec_t now = now_boottime();
        if (!getenv("WATCHDOG_USEC") || (last && now - last < USEC_PER_SEC))
                return;
        last = now;
        report_line("WATCHDOG=1");
}

void report_records(int64_t records, int zero_is_right) {
        if (records == 0 && zero_is_right)
                report_line("RECORDS=0\nEXPECTED=0");
        else
                report_line("RECORDS=%lld", (long long)records);
}
