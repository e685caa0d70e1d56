/* The step protocol from a step's side: what it does and has done, as sd_notify datagrams to $NOTIFY_SOCKET.
 *
 * Without that variable every call does nothing. No call blocks for longer than a fifth of a second: a report that
 * nobody takes is worth less than the work, so it is dropped. Texts are made one line and cut at REPORT_TEXT_MAX bytes.
 */
#pragma once

#include <stdint.h>

#include "macro.h"

#define REPORT_TEXT_MAX 3500

/* "KEY=value" lines in one message; newlines separate several. */
void report_line(const char *format, ...) PRINTF_LIKE(1, 2);
/* STATUS=: what is done at this moment, for people. */
void report_status(const char *format, ...) PRINTF_LIKE(1, 2);
void report_progress(int64_t done, int64_t total);
/* METRIC=name+=delta; zero is said too, so that the counter exists. */
void report_metric(const char *name, int64_t delta);
/* WARNING=category: text; the run becomes partial. */
void report_warning(const char *category, const char *format, ...) PRINTF_LIKE(2, 3);
/* NOTE=text: said without making the run partial. */
void report_note(const char *format, ...) PRINTF_LIKE(1, 2);
void report_item(const char *name);
/* WATCHDOG=1, at most once a second, where the job asks for heartbeats ($WATCHDOG_USEC). */
void report_heartbeat(void);
/* RECORDS=; a zero is declared legitimate (EXPECTED=0) when zero_is_right. */
void report_records(int64_t records, int zero_is_right);
