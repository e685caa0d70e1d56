/* What a step reports through NOTIFY_SOCKET, in the form of sd_notify(3): a datagram of KEY=value lines. Pure: bytes
 * in, the current value of each thing and what the monitor must do at once out. The caps are here, for what a step
 * sends is foreign. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inner_step.h"
#include "report_set.h"

/* The greatest datagram that is read; a longer one is refused whole. */
#define STEP_REPORT_DATAGRAM_MAX ((size_t)32 * 1024)

#define STEP_REPORT_WARNINGS_MAX 200
#define STEP_REPORT_NOTES_MAX 100
#define STEP_REPORT_MISSING_MAX 500
#define STEP_REPORT_STEPS_MAX 200
#define STEP_REPORT_REFUSED_MAX 20

struct step_reports {
        struct report_set set;
        struct inner_steps inner;
        uint64_t realtime, boottime; /* of the datagram that is taken, usec: set by the caller */
        unsigned n_warnings, n_notes, n_missing, n_refused;
        unsigned n_warnings_dropped, n_notes_dropped, n_missing_dropped, n_steps_dropped;
        bool is_full_told;
};

/* What a datagram asks of the monitor itself. */
struct step_request {
        bool is_heartbeat;    /* WATCHDOG=1, or another report: whoever tells how far it is, lives */
        uint64_t extend_usec; /* EXTEND_TIMEOUT_USEC=; 0: none */
};

void step_reports_done(struct step_reports *reports);
/* Takes one datagram. Keys of sd_notify that mean nothing here (READY=, MAINPID=, BARRIER=, ...) and unknown ones are
 * ignored; a value that makes no sense becomes a `refused:N` report that says why. */
void step_reports_take(struct step_reports *reports, const char *datagram, size_t len, struct step_request *ret);
/* Adds a refusal in words, as for a datagram that was too long. */
void step_reports_refuse(struct step_reports *reports, const char *format, ...) PRINTF_LIKE(2, 3);
