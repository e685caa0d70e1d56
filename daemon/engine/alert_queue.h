/* Messages of alerts on their way: durable in state.db until they are delivered or given up.
 *
 * Each delivery is a command that the runner supervises like a step: batch-alert, which speaks HTTP, or the alert's own
 * command. So the daemon has no HTTP library, no certificates and no secret addresses in its memory, nothing of the
 * network can hold its loop, and a delivery goes on while the daemon restarts. */
#pragma once

#include "alert.h"
#include "jval.h"

struct engine;
struct alert_queue;

/* Takes up what an earlier daemon left. program: path of batch-alert. */
int alert_queue_new(struct alert_queue **ret, struct engine *engine, const char *program, char **ret_error);
struct alert_queue *alert_queue_free(struct alert_queue *queue);
/* The alerts in force; off: what waits goes on waiting. items are copied. */
void alert_queue_configure(struct alert_queue *queue, const struct alert *items, size_t n_items, bool on);
const struct alert *alert_queue_alerts(const struct alert_queue *queue, size_t *ret_count);
bool alert_queue_is_on(const struct alert_queue *queue);

/* Recorded with the decisions of this pass, delivered once they are durable. facts are taken over. */
void alert_queue_post(struct alert_queue *queue, const struct alert *alert, struct jval *facts);

/* For alert.list: {alert: {sent, failed, last_sent_at, last_failed_at, last_error}}, borrowed; and what waits. */
const struct jval *alert_queue_statistics(const struct alert_queue *queue);
struct jval *alert_queue_waiting(const struct alert_queue *queue);
