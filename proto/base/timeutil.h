/* Instants, spans and their texts. Everything is in microseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_INFINITY UINT64_MAX
#define NSEC_PER_SEC 1000000000ULL

/* CLOCK_REALTIME: instants for people and records. */
usec_t now_realtime(void);
/* CLOCK_BOOTTIME: durations and deadlines; goes on while the machine sleeps. */
usec_t now_boottime(void);
/* The boot's id as 36 characters (/proc/sys/kernel/random/boot_id). 0 or negative errno. */
int boot_id(char ret[static 37]);

#define RFC3339_SIZE 40
/* "2026-11-22T12:00:00.123456Z", always UTC, always six digits; returns ret. 0 gives "". */
char *format_rfc3339(char ret[static RFC3339_SIZE], usec_t realtime);
/* RFC 3339 with Z or an offset, fraction optional; seconds optional is refused. 0 or -EINVAL. */
int parse_rfc3339(const char *text, usec_t *ret);
/* "2026-11-22 13:00:00" in the local zone (or UTC); returns ret. */
char *format_time_local(char ret[static RFC3339_SIZE], usec_t realtime, bool utc);

/* systemd's time spans (systemd.time(7)): "5min 20s", "1.5h", "90" (seconds), "infinity". 0, -EINVAL, -ERANGE. */
int parse_timespan(const char *text, usec_t *ret);
#define TIMESPAN_SIZE 64
/* "1h 2min", "3.4s", "120ms"; at most two units, rounded down; returns ret. */
char *format_timespan(char ret[static TIMESPAN_SIZE], usec_t span);
