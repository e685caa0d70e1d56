/* Clocks of an attempt. All on CLOCK_BOOTTIME, which goes on while the machine sleeps and does not follow the wall
 * clock's jumps. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "macro.h"
#include "monitor_internal.h"

#define SAVE_DELAY (200 * USEC_PER_MSEC)
#define LISTEN_RETRY USEC_PER_SEC

static usec_t next_deadline(struct monitor *monitor) {
        if (monitor->is_unsaved && monitor->save_at == USEC_INFINITY)
                monitor->save_at = now_boottime() + SAVE_DELAY;
        const usec_t all[] = {monitor->timeout_at, monitor->run_timeout_at, monitor->heartbeat_at, monitor->kill_at,
                              monitor->drain_at,   monitor->save_at,        monitor->listen_at};
        usec_t next = USEC_INFINITY;
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                next = MIN(next, all[i]);
        return next;
}

void monitor_arm_timer(struct monitor *monitor) {
        usec_t next = next_deadline(monitor);
        if (next == monitor->timer_armed_for)
                return;
        struct itimerspec when = {{0}};
        if (next != USEC_INFINITY) {
                when.it_value.tv_sec = (time_t)(next / USEC_PER_SEC);
                when.it_value.tv_nsec = (long)(next % USEC_PER_SEC * 1000) + 1; /* never 0, which would disarm */
        }
        if (timerfd_settime(monitor->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) >= 0)
                monitor->timer_armed_for = next;
}

static bool is_due(usec_t *deadline, usec_t now) {
        if (*deadline > now)
                return false;
        *deadline = USEC_INFINITY;
        return true;
}

/* "missing SINCE TIMES" while there is no sign of life, "back SINCE SILENCE TIMES" when there is one again: since when
 * (realtime), how long it was (usec), and how often so far. */
static void tell_heartbeat(struct monitor *monitor) {
        char text[96];
        if (monitor->is_silent)
                snprintf(text, sizeof(text), "missing %" PRIu64 " %u", monitor->alive_realtime, monitor->n_silences);
        else
                snprintf(text, sizeof(text), "back %" PRIu64 " %" PRIu64 " %u", monitor->alive_realtime,
                         now_boottime() - monitor->alive_boottime, monitor->n_silences);
        report_set_put(&monitor->reports.set, "heartbeat", text);
        monitor->is_unsaved = true;
}

static void heartbeat_missed(struct monitor *monitor) {
        monitor->state.heartbeat_missed = true;
        monitor->is_silent = true;
        monitor->n_silences++;
        tell_heartbeat(monitor);
        if (monitor->spec.heartbeat_kill)
                monitor_stop(monitor, RUNNER_ENDED_BY_HEARTBEAT);
}

void monitor_on_deadlines(struct monitor *monitor) {
        uint64_t expirations;
        usec_t now = now_boottime();
        if (read(monitor->timer_fd, &expirations, sizeof(expirations)) > 0)
                monitor->timer_armed_for = USEC_INFINITY;
        if (is_due(&monitor->timeout_at, now))
                monitor_stop(monitor, RUNNER_ENDED_BY_TIMEOUT);
        if (is_due(&monitor->run_timeout_at, now))
                monitor_stop(monitor, RUNNER_ENDED_BY_RUN_TIMEOUT);
        if (is_due(&monitor->heartbeat_at, now))
                heartbeat_missed(monitor);
        if (is_due(&monitor->kill_at, now))
                monitor_kill_tree(monitor);
        if (is_due(&monitor->drain_at, now)) {
                monitor->state.drain_timed_out = true;
                monitor_kill_tree(monitor);
        }
        if (is_due(&monitor->save_at, now))
                monitor_save(monitor);
        if (is_due(&monitor->listen_at, now)) {
                monitor->listen_at = now + LISTEN_RETRY;
                monitor_listen(monitor);
        }
}

void monitor_heartbeat(struct monitor *monitor) {
        if (monitor->spec.heartbeat == USEC_INFINITY)
                return;
        if (monitor->is_silent) {
                monitor->is_silent = false;
                tell_heartbeat(monitor);
        }
        monitor->alive_boottime = now_boottime();
        monitor->alive_realtime = monitor->state.last_heartbeat_at = now_realtime();
        monitor->heartbeat_at = monitor->has_exited ? USEC_INFINITY : monitor->alive_boottime + monitor->spec.heartbeat;
        monitor->is_unsaved = true;
}

/* sd_notify(3): "at least so long from now". Never past what is left of RunTimeoutSec, which has a deadline of its own.
 */
void monitor_extend_timeout(struct monitor *monitor, uint64_t usec) {
        usec_t now = now_boottime();
        if (monitor->timeout_at == USEC_INFINITY || usec > USEC_INFINITY - now - 1)
                return;
        monitor->timeout_at = MAX(monitor->timeout_at, now + usec);
}
