#include "alert_queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert_queue_internal.h"
#include "engine_internal.h"
#include "errortext.h"
#include "fileutil.h"
#include "log.h"
#include "strutil.h"
#include "xalloc.h"

#define MESSAGE_SETTING "alert-message/"
#define STATISTICS_SETTING "alert-statistics/"
/* More than these are a storm that nobody reads. */
#define MESSAGES_MAX 1000
#define ACTIVE_MAX 8
#define RETRY_FIRST (10 * USEC_PER_SEC)
#define RETRY_LONGEST (10 * USEC_PER_MINUTE)

static void start_waiting(struct alert_queue *queue);

const char *message_alert_name(const struct message *message) {
        return str_or(jval_get_str(message->row, "alert"), "");
}

const struct alert *message_alert(const struct message *message) {
        for (size_t i = 0; i < message->queue->n_alerts; i++)
                if (streq(message->queue->alerts[i].name, message_alert_name(message)))
                        return &message->queue->alerts[i];
        return NULL;
}

/* row NULL: it is gone. */
static void keep_row(const struct message *message, const struct jval *row) {
        _cleanup_free_ char *key = xasprintf(MESSAGE_SETTING "%" PRId64, message->id);
        _cleanup_free_ char *text = row ? jval_dump(row) : xstrdup("");

        store_batch_put_setting(decisions_batch(message->queue->engine), key, text);
}

void message_keep(const struct message *message) {
        keep_row(message, message->row);
}

static void message_free(struct message *message) {
        message->timer = loop_timer_free(message->timer);
        jval_unref(message->row);
        free(message->last_line);
        free(message);
}

void message_discard(struct message *message) {
        struct alert_queue *queue = message->queue;

        keep_row(message, NULL);
        for (struct message **link = &queue->messages; *link; link = &(*link)->next)
                if (*link == message) {
                        *link = message->next;
                        break;
                }
        queue->count--;
        queue->n_active -= message->active;
        message_free(message);
        start_waiting(queue);
}

/* How it went, by alert: error NULL when it was delivered. */
static void count_outcome(struct message *message, const char *error) {
        struct alert_queue *queue = message->queue;
        const char *name = message_alert_name(message), *counter = error ? "failed" : "sent";
        struct jval *one = jval_get(queue->statistics, name);
        _cleanup_free_ char *key = xasprintf(STATISTICS_SETTING "%s", name), *text = NULL;

        if (!one) {
                one = jval_object();
                jval_set(queue->statistics, name, one);
        }
        jval_set_int(one, counter, jval_get_int(one, counter, 0) + 1);
        jval_set_time(one, error ? "last_failed_at" : "last_sent_at", now_realtime());
        jval_set_str(one, "last_event", jval_get_str(message->row, "event"));
        jval_set_str(one, "last_error", error);
        jval_set_int(one, "last_run_number", jval_get_int(jval_get(message->row, "facts"), "run_number", 0));
        text = jval_dump(one);
        store_batch_put_setting(decisions_batch(queue->engine), key, text);
}

void message_settle(struct message *message, const char *error) {
        count_outcome(message, error);
        message_discard(message);
}

void message_wait(struct message *message, const char *error) {
        int64_t attempts = jval_get_int(message->row, "attempts", 1);
        usec_t delay = RETRY_FIRST;

        for (int64_t i = 1; i < attempts && delay < RETRY_LONGEST; i++)
                delay *= 3;
        delay = MIN(delay, RETRY_LONGEST);
        jval_set_int(message->row, "number", 0);
        jval_set_int(message->row, "not_before", (int64_t)(now_realtime() + delay));
        jval_set_str(message->row, "error", error);
        message_keep(message);
        message->active = false;
        message->queue->n_active--;
        loop_timer_arm(message->timer, delay);
        start_waiting(message->queue);
}

static bool is_due(const struct message *message) {
        return !message->active && !loop_timer_is_armed(message->timer);
}

static void start_waiting(struct alert_queue *queue) {
        if (!queue->on || queue->engine->stopping)
                return;
        for (struct message *message = queue->messages; message && queue->n_active < ACTIVE_MAX;
             message = message->next)
                if (is_due(message)) {
                        message->active = true;
                        queue->n_active++;
                        delivery_begin(message);
                }
}

static void retry_due(void *user) {
        struct message *message = user;

        start_waiting(message->queue);
}

static struct message *append(struct alert_queue *queue, int64_t id, struct jval *row) {
        struct message *message = NEW(struct message), **link = &queue->messages;

        message->queue = queue;
        message->id = id;
        message->row = row;
        while (*link)
                link = &(*link)->next;
        *link = message;
        queue->count++;
        queue->next_id = MAX(queue->next_id, id + 1);
        return message;
}

void alert_queue_post(struct alert_queue *queue, const struct alert *alert, struct jval *facts) {
        struct jval *row = jval_object();
        struct message *message;

        if (queue->count >= MESSAGES_MAX) {
                log_error("alert %s: %d messages wait already; this one is not sent: %s", alert->name, MESSAGES_MAX,
                          str_or(jval_get_str(facts, "text"), ""));
                jval_unref(facts);
                jval_unref(row);
                return;
        }
        jval_set_str(row, "alert", alert->name);
        jval_set_str(row, "event", jval_get_str(facts, "event"));
        jval_set_int(row, "created_at", (int64_t)now_realtime());
        jval_set(row, "facts", facts);
        message = append(queue, queue->next_id, row);
        if (loop_timer_new(queue->engine->loop, &message->timer, retry_due, message) < 0) {
                message_discard(message);
                return;
        }
        message_keep(message);
        start_waiting(queue);
}

static void take_message(const char *name, const char *value, usec_t last_due, void *user) {
        struct alert_queue *queue = user;
        struct jval *row;
        int64_t id;

        (void)last_due;
        if (parse_int64(name, &id) == 0 && jval_parse(value, strlen(value), &row, NULL) == 0)
                (void)append(queue, id, row);
}

static void take_statistics(const char *name, const char *value, usec_t last_due, void *user) {
        struct alert_queue *queue = user;
        struct jval *one;

        (void)last_due;
        if (jval_parse(value, strlen(value), &one, NULL) == 0)
                jval_set(queue->statistics, name, one);
}

/* What an earlier daemon left. */
static void take_up(struct message *message) {
        int64_t not_before = jval_get_int(message->row, "not_before", 0);
        usec_t now = now_realtime();

        if (jval_get_int(message->row, "number", 0) > 0) {
                message->active = true;
                message->queue->n_active++;
                delivery_adopt(message);
        } else if (not_before > 0 && (usec_t)not_before > now) {
                loop_timer_arm(message->timer, MIN((usec_t)not_before - now, RETRY_LONGEST));
        }
}

int alert_queue_new(struct alert_queue **ret, struct engine *engine, const char *program, char **ret_error) {
        struct alert_queue *queue = NEW(struct alert_queue);
        int r;

        *queue = (struct alert_queue){
                .engine = engine,
                .program = xstrdup(program),
                .folder = path_join(engine->config.state_dir, "alerts"),
                .statistics = jval_object(),
                .next_id = 1,
        };
        r = mkdir_parents(queue->folder, 0700);
        if (r == 0)
                r = store_load_settings(engine->store, MESSAGE_SETTING, 0, take_message, queue);
        if (r == 0)
                r = store_load_settings(engine->store, STATISTICS_SETTING, 0, take_statistics, queue);
        for (struct message *message = queue->messages; r == 0 && message; message = message->next)
                r = loop_timer_new(engine->loop, &message->timer, retry_due, message);
        if (r < 0) {
                alert_queue_free(queue);
                return error_set(ret_error, r,
                                 "what alerts have to tell cannot be read from state.db, or %s/alerts "
                                 "cannot be made",
                                 engine->config.state_dir);
        }
        for (struct message *message = queue->messages; message; message = message->next)
                take_up(message);
        *ret = queue;
        return 0;
}

struct alert_queue *alert_queue_free(struct alert_queue *queue) {
        if (!queue)
                return NULL;
        while (queue->messages) {
                struct message *message = queue->messages;

                queue->messages = message->next;
                message_free(message);
        }
        for (size_t i = 0; i < queue->n_alerts; i++)
                alert_done(&queue->alerts[i]);
        free(queue->alerts);
        jval_unref(queue->statistics);
        free(queue->program);
        free(queue->folder);
        free(queue);
        return NULL;
}

void alert_queue_configure(struct alert_queue *queue, const struct alert *items, size_t n_items, bool on) {
        struct alert *fresh = xcalloc(n_items + 1, sizeof(*fresh));

        for (size_t i = 0; i < n_items; i++)
                alert_copy(&fresh[i], &items[i]);
        for (size_t i = 0; i < queue->n_alerts; i++)
                alert_done(&queue->alerts[i]);
        free(queue->alerts);
        queue->alerts = fresh;
        queue->n_alerts = n_items;
        queue->on = on;
        start_waiting(queue);
}

const struct alert *alert_queue_alerts(const struct alert_queue *queue, size_t *ret_count) {
        *ret_count = queue->n_alerts;
        return queue->alerts;
}

bool alert_queue_is_on(const struct alert_queue *queue) {
        return queue->on;
}

const struct jval *alert_queue_statistics(const struct alert_queue *queue) {
        return queue->statistics;
}

struct jval *alert_queue_waiting(const struct alert_queue *queue) {
        struct jval *list = jval_array();

        for (const struct message *message = queue->messages; message; message = message->next) {
                const struct jval *facts = jval_get(message->row, "facts");
                struct jval *one = jval_object();

                jval_set_str(one, "alert", message_alert_name(message));
                jval_set_str(one, "event", jval_get_str(message->row, "event"));
                if (jval_has(facts, "run_number"))
                        jval_set_int(one, "run_number", jval_get_int(facts, "run_number", 0));
                jval_set_str(one, "text", jval_get_str(facts, "text"));
                jval_set_time(one, "created_at", (usec_t)jval_get_int(message->row, "created_at", 0));
                jval_set_int(one, "attempts", jval_get_int(message->row, "attempts", 0));
                jval_set_time(one, "next_attempt_at", (usec_t)jval_get_int(message->row, "not_before", 0));
                jval_set_str(one, "error", jval_get_str(message->row, "error"));
                jval_add(list, one);
        }
        return list;
}
