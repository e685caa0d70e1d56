/* One attempt to deliver a message: a command that the runner supervises like a step. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert_environment.h"
#include "alert_queue_internal.h"
#include "engine_internal.h"
#include "log.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"
#include "uuid.h"
#include "xalloc.h"

#define KILL_GRACE (5 * USEC_PER_SEC)
#define LINE_MAX_SHOWN 300
/* sysexits(3): what batch-alert says will not work later either. */
#define EXIT_DATA 65
#define EXIT_CONFIGURATION 78

static char *path_of(const struct message *message, const char *suffix) {
        return xasprintf("%s/%" PRId64 ".%" PRId64 "%s", message->queue->folder, message->id,
                         jval_get_int(message->row, "attempts", 0), suffix);
}

static void remove_files(const struct message *message) {
        _cleanup_free_ char *log = path_of(message, ".log"), *attempt = path_of(message, ".attempt");

        (void)unlink(log);
        (void)unlink(attempt);
}

static char *failure_text(const struct message *message, const struct attempt_result *result) {
        if (result->ended_by == ENDED_BY_TIMEOUT)
                return xstrdup("no answer within TimeoutSec=");
        if (result->ended_by == ENDED_BY_SPAWN)
                return xasprintf("the command cannot be started: %s", strerror(result->spawn_errno));
        if (message->last_line)
                return xstrdup(message->last_line);
        if (result->ended_by == ENDED_BY_ITSELF && result->signal_number == 0)
                return xasprintf("the command exited with status %d", result->exit_status);
        return xstrdup("the command was killed");
}

static void delivery_ended(const struct attempt_result *result, void *user) {
        struct message *message = user;
        const struct alert *alert = message_alert(message);
        bool done = result->ended_by == ENDED_BY_ITSELF && result->exit_status == 0;
        bool hopeless = result->exit_status == EXIT_DATA || result->exit_status == EXIT_CONFIGURATION;
        _cleanup_free_ char *error = done ? NULL : failure_text(message, result);

        message->attempt = NULL;
        if (message->adopted && result->ended_by == ENDED_BY_LOST && result->started_at == 0) {
                delivery_begin(message);
                return;
        }
        remove_files(message);
        if (!done && alert && !hopeless && jval_get_int(message->row, "attempts", 1) <= alert->retries) {
                log_notice("alert %s: not delivered yet: %s", message_alert_name(message), error);
                message_wait(message, error);
                return;
        }
        if (!done)
                log_error("alert %s: given up after %" PRId64 " attempts: %s (it would have said: %s)",
                          message_alert_name(message), jval_get_int(message->row, "attempts", 1), error,
                          str_or(jval_get_str(jval_get(message->row, "facts"), "text"), ""));
        message_settle(message, error);
}

static void delivery_lines(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user) {
        struct message *message = user;

        (void)offset;
        (void)end;
        for (size_t i = n; i > 0; i--)
                if (lines[i - 1].len > 0) {
                        free(message->last_line);
                        message->last_line = utf8_escape(lines[i - 1].text, lines[i - 1].len, LINE_MAX_SHOWN);
                        return;
                }
}

static void delivery_started(pid_t pid, usec_t realtime, void *user) {
        (void)pid;
        (void)realtime;
        (void)user;
}

static void delivery_report(const char *key, const char *value, void *user) {
        (void)key;
        (void)value;
        (void)user;
}

static const struct attempt_events delivery_events = {
        .started = delivery_started,
        .lines = delivery_lines,
        .report = delivery_report,
        .ended = delivery_ended,
};

/* Durable: the attempt's number and the count of attempts. */
static void launch(void *user) {
        struct message *message = user;
        struct alert_queue *queue = message->queue;
        const struct alert *alert = message_alert(message);
        char *const program[] = {queue->program, NULL};
        _cleanup_free_ char *log = path_of(message, ".log"), *file = path_of(message, ".attempt");
        _cleanup_free_ char *label = xasprintf("alert.%" PRId64, message->id);
        _cleanup_strv_ char **environment = NULL;
        char run_id[UUID_SIZE];
        struct attempt_spec spec = {
                .number = jval_get_int(message->row, "number", 0),
                .run_id = run_id,
                .label = label,
                .working_directory = queue->folder,
                .log_path = log,
                .attempt_path = file,
                .run_timeout_left = USEC_INFINITY,
                .kill_grace = KILL_GRACE,
                .heartbeat = USEC_INFINITY,
                .memory_max = UINT64_MAX,
                .tasks_max = UINT64_MAX,
        };

        if (!alert) { /* taken out of the configuration meanwhile */
                message_discard(message);
                return;
        }
        uuid_generate_text(run_id);
        spec.argv = alert->command ? alert->command : program;
        spec.timeout = alert->timeout;
        environment = alert_environment(alert, jval_get(message->row, "facts"));
        spec.environment = environment;
        message->attempt = supervise_launch(queue->engine->supervise, &spec, &delivery_events, message);
}

void delivery_begin(struct message *message) {
        remove_files(message);
        message->adopted = false;
        jval_set_int(message->row, "number", message->queue->engine->next_attempt_number++);
        jval_set_int(message->row, "attempts", jval_get_int(message->row, "attempts", 0) + 1);
        message_keep(message);
        decisions_after_commit(message->queue->engine, launch, message);
}

void delivery_adopt(struct message *message) {
        struct engine *engine = message->queue->engine;
        int64_t number = jval_get_int(message->row, "number", 0);
        _cleanup_free_ char *log = path_of(message, ".log"), *file = path_of(message, ".attempt");

        engine->next_attempt_number = MAX(engine->next_attempt_number, number + 1);
        message->adopted = true;
        message->attempt = supervise_adopt(engine->supervise, number, file, log, 0, &delivery_events, message);
}
