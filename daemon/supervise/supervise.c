#include "supervise.h"

#include <errno.h>
#include <stdlib.h>

#include "errortext.h"
#include "runner_message.h"
#include "runner_path.h"
#include "supervise_internal.h"
#include "xalloc.h"

#include <string.h>

/* One attempt a call, in turns, so that each pass of the loop is short and nobody waits behind a flood. */
static void on_pass(void *user) {
        struct supervise *supervise = user;
        struct attempt *attempt = supervise->attempts;
        bool is_more = false;
        while (attempt && !attempt->is_in_backlog)
                attempt = attempt->next;
        if (!attempt)
                return;
        for (struct attempt *other = attempt->next; other && !is_more; other = other->next)
                is_more = other->is_in_backlog;
        bool is_done = attempt_log_pass(attempt);
        if (is_done) {
                attempt->is_in_backlog = false;
                if (attempt->phase == PHASE_FINISHING) {
                        attempt->events.ended(&attempt->result, attempt->user);
                        attempt_free(attempt);
                }
        } else if (is_more)
                attempt_enqueue(attempt); /* behind the others */
        if (is_more || !is_done)
                loop_timer_arm(supervise->pass_timer, is_done ? 0 : LOG_FLOOD_PAUSE);
}

int supervise_new(struct supervise **ret, struct loop *loop, const struct supervise_config *config, char **ret_error) {
        int r = runner_path_prepare(config->runtime_dir);
        if (r < 0)
                return error_set(ret_error, r, "cannot prepare the runtime folder %s: %s", config->runtime_dir,
                                 strerror(-r));
        struct supervise *supervise = NEW(struct supervise);
        supervise->loop = loop;
        supervise->runtime_dir = xstrdup(config->runtime_dir);
        supervise->runner_path = xstrdup_or_null(config->runner_path);
        if (config->version)
                supervise->greeting = xasprintf("%c%s", RUNNER_REQUEST_VERSION, config->version);
        supervise->log_buffer = xmalloc(LOG_PASS_MAX);
        supervise->line_batch = xcalloc(LOG_BATCH_LINES, sizeof(*supervise->line_batch));
        supervise->message_buffer = xmalloc(RUNNER_MESSAGE_MAX);
        supervise->launcher.fd = -1;
        r = loop_timer_new(loop, &supervise->pass_timer, on_pass, supervise);
        if (r >= 0)
                r = launcher_link_init(supervise);
        if (r < 0) {
                supervise_free(supervise);
                return error_set(ret_error, r, "cannot set up supervision: %s", strerror(-r));
        }
        *ret = supervise;
        return 0;
}

struct supervise *supervise_free(struct supervise *supervise) {
        if (!supervise)
                return NULL;
        while (supervise->attempts)
                attempt_free(supervise->attempts);
        launcher_link_done(supervise);
        loop_timer_free(supervise->pass_timer);
        free(supervise->runtime_dir);
        free(supervise->runner_path);
        free(supervise->greeting);
        free(supervise->log_buffer);
        free(supervise->line_batch);
        free(supervise->message_buffer);
        free(supervise);
        return NULL;
}

bool supervise_launcher_is_up(const struct supervise *supervise) {
        return supervise->launcher.fd >= 0;
}
