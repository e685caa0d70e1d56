/* The life of an attempt as the daemon sees it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempt_file.h"
#include "cleanup.h"
#include "log.h"
#include "runner_spec.h"
#include "sockutil.h"
#include "strutil.h"
#include "supervise_internal.h"
#include "xalloc.h"

/* A launcher that dies at the same attempt again and again: there is no sense in more. */
#define LAUNCHES_MAX 8

static void link_last(struct attempt *attempt) {
        struct attempt **end = &attempt->supervise->attempts, *previous = NULL;
        for (; *end; end = &(*end)->next)
                previous = *end;
        *end = attempt;
        attempt->previous = previous;
        attempt->next = NULL;
}

static void unlink_attempt(struct attempt *attempt) {
        if (attempt->previous)
                attempt->previous->next = attempt->next;
        else
                attempt->supervise->attempts = attempt->next;
        if (attempt->next)
                attempt->next->previous = attempt->previous;
}

static struct attempt *attempt_new(struct supervise *supervise, int64_t number, const char *attempt_path,
                                   const char *log_path, const struct attempt_events *events, void *user) {
        struct attempt *attempt = NEW(struct attempt);
        *attempt = (struct attempt){
                .supervise = supervise,
                .events = *events,
                .user = user,
                .number = number,
                .attempt_path = xstrdup(attempt_path),
                .log_path = xstrdup(log_path),
                .spec = BUF_INIT(RUNNER_SPEC_MAX),
                .lock_fd = -1,
                .fd = -1,
                .log_fd = -1,
        };
        link_last(attempt);
        return attempt;
}

struct attempt *attempt_free(struct attempt *attempt) {
        unlink_attempt(attempt);
        attempt_monitor_detach(attempt);
        loop_timer_free(attempt->retry_timer);
        closep(&attempt->lock_fd);
        closep(&attempt->log_fd);
        buf_done(&attempt->spec);
        free(attempt->attempt_path);
        free(attempt->log_path);
        free(attempt);
        return NULL;
}

/* Moves it to the end of the line of those that want a pass. */
void attempt_enqueue(struct attempt *attempt) {
        attempt->is_in_backlog = true;
        unlink_attempt(attempt);
        link_last(attempt);
        loop_timer_arm(attempt->supervise->pass_timer, 0);
}

void attempt_finish(struct attempt *attempt, const struct attempt_result *result) {
        attempt_monitor_detach(attempt);
        closep(&attempt->lock_fd);
        attempt->lock_fd = -1;
        if (attempt->retry_timer)
                loop_timer_disarm(attempt->retry_timer);
        attempt->phase = PHASE_FINISHING;
        attempt->result = *result;
        attempt_enqueue(attempt);
}

static struct attempt_result empty_result(enum attempt_ended_by ended_by) {
        return (struct attempt_result){.ended_by = ended_by,
                                       .exit_status = -1,
                                       .memory_peak = -1,
                                       .cpu_usec = -1,
                                       .io_read_bytes = -1,
                                       .io_write_bytes = -1};
}

void attempt_finish_spawn(struct attempt *attempt, int error) {
        struct attempt_result result = empty_result(ENDED_BY_SPAWN);
        result.spawn_errno = error < 0 ? -error : error;
        result.ended_at = now_realtime();
        attempt_finish(attempt, &result);
}

static enum attempt_ended_by ended_by_of_word(const char *word) {
        int value = word ? runner_ended_by_from_string(word) : -EINVAL;
        if (value < 0)
                return ENDED_BY_ITSELF; /* a word of a later version: the exit status tells the rest */
        switch ((enum runner_ended_by)value) {
        case RUNNER_ENDED_BY_TIMEOUT:
                return ENDED_BY_TIMEOUT;
        case RUNNER_ENDED_BY_RUN_TIMEOUT:
                return ENDED_BY_RUN_TIMEOUT;
        case RUNNER_ENDED_BY_HEARTBEAT:
                return ENDED_BY_HEARTBEAT;
        case RUNNER_ENDED_BY_OOM:
                return ENDED_BY_OOM;
        case RUNNER_ENDED_BY_STOP:
                return ENDED_BY_STOP;
        case RUNNER_ENDED_BY_SPAWN:
                return ENDED_BY_SPAWN;
        case RUNNER_ENDED_BY_ITSELF:
        case RUNNER_ENDED_BY_MAX:
                break;
        }
        return ENDED_BY_ITSELF;
}

void attempt_finish_state(struct attempt *attempt, const struct attempt_state *state) {
        struct attempt_result result = {
                .ended_by = ended_by_of_word(state->ended_by),
                .exit_status = (int)state->exit_status,
                .signal_number = (int)state->signal_number,
                .spawn_errno = (int)state->spawn_errno,
                .started_at = state->started_at,
                .ended_at = state->ended_at,
                .duration = state->duration,
                .processes_ended = state->processes_ended,
                .drain_timed_out = state->drain_timed_out,
                .heartbeat_missed = state->heartbeat_missed,
                .lines = state->lines,
                .log_size = state->log_size,
                .lines_dropped = state->lines_dropped,
                .memory_peak = state->memory_peak,
                .cpu_usec = state->cpu_usec,
                .io_read_bytes = state->io_read_bytes,
                .io_write_bytes = state->io_write_bytes,
        };
        attempt_tell_started(attempt, state);
        attempt->log_target = MAX(attempt->log_target, state->log_size);
        attempt_finish(attempt, &result);
}

void attempt_tell_started(struct attempt *attempt, const struct attempt_state *state) {
        if (attempt->is_started_told || state->started_at == 0 || state->pid == 0)
                return;
        attempt->is_started_told = true;
        attempt->events.started((pid_t)state->pid, state->started_at, attempt->user);
}

/* The attempt file is gone or damaged and tells nothing. A monitor makes the log file before it forks the command:
 * where there is one the command may have run, and must not be begun anew. 1: begun, nobody knows when. */
static void judge_by_log(const struct attempt *attempt, struct attempt_state *state) {
        struct stat st;
        if (stat(attempt->log_path, &st) >= 0 || errno != ENOENT)
                state->started_at = 1;
}

/* No monitor and no result: what the log holds still counts. */
static void finish_lost(struct attempt *attempt, const struct attempt_state *state) {
        struct attempt_result result = empty_result(ENDED_BY_LOST);
        struct stat st;
        if (stat(attempt->log_path, &st) >= 0)
                attempt->log_target = MAX(attempt->log_target, (uint64_t)st.st_size);
        attempt_tell_started(attempt, state);
        result.started_at = state->started_at; /* there from before the command was forked */
        result.ended_at = now_realtime();
        result.heartbeat_missed = state->heartbeat_missed;
        result.lines = state->lines;
        result.lines_dropped = state->lines_dropped;
        result.log_size = attempt->log_target;
        attempt_finish(attempt, &result);
}

/* In the file, so that it can be read what the attempt was, and that the lock alone decides. */
static int write_first_state(const struct attempt *attempt, const struct attempt_spec *spec, int fd) {
        _cleanup_buf_ struct buf content = BUF_INIT(ATTEMPT_FILE_CONTENT_MAX);
        struct attempt_state state = ATTEMPT_STATE_INIT;
        uint64_t generation = 0;
        state.number = attempt->number;
        state.run_id = (char *)(uintptr_t)spec->run_id;
        state.label = (char *)(uintptr_t)spec->label;
        int r = attempt_state_encode(&state, NULL, &content);
        return r < 0 ? r : attempt_file_write(fd, &generation, buf_data(&content), content.len);
}

/* A daemon that died before it could ask the launcher leaves a file of an attempt that never was; it is made anew. */
static bool has_run(int fd) {
        _cleanup_attempt_state_ struct attempt_state state = ATTEMPT_STATE_INIT;
        _cleanup_free_ char *content = NULL;
        size_t len;
        uint64_t generation;
        int r = attempt_file_read(fd, &content, &len, &generation);
        if (r >= 0)
                r = attempt_state_decode(content, len, &state, NULL, NULL);
        if (r < 0) /* what a later version has written may be of an attempt that ran */
                return r == -EPROTONOSUPPORT;
        return state.is_starting || state.has_ended;
}

static int prepare_file(struct attempt *attempt, const struct attempt_spec *spec) {
        _cleanup_close_ int fd = open(attempt->attempt_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
                return -errno;
        /* Somebody's already: the number was given twice. Never two monitors for one file. */
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (has_run(fd))
                return -EEXIST;
        int r = attempt_file_create(fd);
        if (r >= 0)
                r = write_first_state(attempt, spec, fd);
        if (r >= 0)
                attempt->lock_fd = steal_fd(&fd);
        return r;
}

static int encode_spec(struct attempt *attempt, const struct attempt_spec *from) {
        struct runner_spec spec = {
                .version = RUNNER_SPEC_VERSION,
                .number = from->number,
                .run_id = (char *)(uintptr_t)from->run_id,
                .label = (char *)(uintptr_t)from->label,
                .working_directory = (char *)(uintptr_t)from->working_directory,
                .log_path = (char *)(uintptr_t)from->log_path,
                .argv = (char **)(uintptr_t)from->argv,
                .environment = (char **)(uintptr_t)from->environment,
                .timeout = from->timeout ? from->timeout : USEC_INFINITY,
                .run_timeout_left = from->run_timeout_left,
                .heartbeat = from->heartbeat ? from->heartbeat : USEC_INFINITY,
                .kill_grace = from->kill_grace,
                .drain = RUNNER_DRAIN_DEFAULT_USEC,
                .heartbeat_kill = from->heartbeat_kill,
                .memory_max = from->memory_max == UINT64_MAX ? 0 : from->memory_max,
                .tasks_max = from->tasks_max == UINT64_MAX ? 0 : from->tasks_max,
                .cpu_quota_percent = from->cpu_quota_percent,
                .nice = from->nice,
        };
        return runner_spec_encode(&spec, &attempt->spec);
}

struct attempt *supervise_launch(struct supervise *supervise, const struct attempt_spec *spec,
                                 const struct attempt_events *events, void *user) {
        struct attempt *attempt =
                attempt_new(supervise, spec->number, spec->attempt_path, spec->log_path, events, user);
        int r = spec->argv && spec->argv[0] ? encode_spec(attempt, spec) : -EINVAL;
        if (r >= 0)
                r = prepare_file(attempt, spec);
        if (r < 0) {
                log_error("attempt %s: cannot prepare %s: %s", spec->label, spec->attempt_path, strerror(-r));
                attempt_finish_spawn(attempt, r);
                return attempt;
        }
        attempt->phase = PHASE_WAITING;
        launcher_link_flush(supervise);
        return attempt;
}

int attempt_send_spec(struct attempt *attempt, int launcher_fd) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        _cleanup_close_ int ours = pair[0], theirs = pair[1];
        int r = send_with_fds(launcher_fd, buf_data(&attempt->spec), attempt->spec.len,
                              (int[]){attempt->lock_fd, theirs}, 2);
        if (r < 0)
                return r;
        /* From here on the lock is the launcher's, then the monitor's; ours would make a dead one look alive. */
        closep(&attempt->lock_fd);
        attempt->lock_fd = -1;
        attempt->launches++;
        r = attempt_monitor_attach(attempt, steal_fd(&ours));
        if (r < 0)
                attempt_consult_lock(attempt);
        else if (attempt->is_stop_wanted)
                attempt_monitor_send_stop(attempt);
        return 0;
}

/* The lock is ours: no monitor lives and none ever will. */
static void settle_unlocked(struct attempt *attempt, int *fd) {
        _cleanup_attempt_state_ struct attempt_state state = ATTEMPT_STATE_INIT;
        _cleanup_free_ char *content = NULL;
        size_t len;
        uint64_t generation;
        int r = attempt_file_read(*fd, &content, &len, &generation);
        if (r >= 0)
                r = attempt_state_decode(content, len, &state, attempt->events.report, attempt->user);
        if (r < 0) {
                log_error("attempt %" PRId64 ": %s cannot be read: %s", attempt->number, attempt->attempt_path,
                          r == -EPROTONOSUPPORT ? "a later version of batchd wrote it; install that one again"
                                                : strerror(-r));
                judge_by_log(attempt, &state);
        }
        if (r >= 0 && state.has_ended)
                attempt_finish_state(attempt, &state);
        else if (r >= 0 && !state.is_starting && attempt->spec.len > 0 && attempt->launches < LAUNCHES_MAX) {
                /* The launcher died before it forked: nothing has run, so it is asked for again. */
                attempt->lock_fd = steal_fd(fd);
                attempt->phase = PHASE_WAITING;
                launcher_link_flush(attempt->supervise);
        } else
                finish_lost(attempt, &state);
}

void attempt_consult_lock(struct attempt *attempt) {
        attempt_monitor_detach(attempt);
        _cleanup_close_ int fd = open(attempt->attempt_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno != ENOENT) {
                /* Descriptors have run out, perhaps: no ground to judge on. */
                attempt_monitor_reconnect(attempt);
                return;
        }
        if (fd < 0) {
                struct attempt_state nothing = ATTEMPT_STATE_INIT;
                judge_by_log(attempt, &nothing);
                finish_lost(attempt, &nothing);
                return;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                attempt_monitor_reconnect(attempt);
                return;
        }
        settle_unlocked(attempt, &fd);
}

struct attempt *supervise_adopt(struct supervise *supervise, int64_t number, const char *attempt_path,
                                const char *log_path, uint64_t log_offset, const struct attempt_events *events,
                                void *user) {
        struct attempt *attempt = attempt_new(supervise, number, attempt_path, log_path, events, user);
        attempt->log_offset = log_offset;
        attempt->log_target = log_offset;
        attempt_consult_lock(attempt);
        return attempt;
}

void attempt_stop(struct attempt *attempt) {
        if (attempt->is_stop_wanted)
                return;
        attempt->is_stop_wanted = true;
        switch (attempt->phase) {
        case PHASE_WAITING: {
                struct attempt_result result = empty_result(ENDED_BY_STOP);
                result.ended_at = now_realtime();
                attempt_finish(attempt, &result);
                break;
        }
        case PHASE_CONNECTED:
                attempt_monitor_send_stop(attempt);
                break;
        case PHASE_RECONNECTING: /* said once it is connected */
        case PHASE_FINISHING:
                break;
        }
}
