/* What the queue of alerts' messages (alert_queue.c) and their delivery (alert_delivery.c) share. */
#pragma once

#include "alert.h"
#include "jval.h"
#include "supervise.h"

struct message {
        struct alert_queue *queue;
        int64_t id;
        struct jval *row; /* {alert, event, facts, created_at, attempts, number, not_before, error}: as it is kept */
        struct attempt *attempt;
        struct loop_timer *timer;
        char *last_line;
        bool active; /* being started or delivered */
        bool adopted;
        struct message *next;
};

struct alert_queue {
        struct engine *engine;
        char *program, *folder;
        struct alert *alerts;
        size_t n_alerts;
        bool on;
        struct message *messages; /* oldest first */
        size_t count, n_active;
        int64_t next_id;
        struct jval *statistics;
};

/* alert_queue.c */
const char *message_alert_name(const struct message *message);
/* Of the alerts in force; NULL: it has been taken out of the configuration. */
const struct alert *message_alert(const struct message *message);
/* Keeps the row as it is now, with the decisions of this pass. */
void message_keep(const struct message *message);
/* Ends it: error NULL when it was delivered. The message is gone. */
void message_settle(struct message *message, const char *error);
/* It is not told of any more. The message is gone. */
void message_discard(struct message *message);
/* It was not delivered, and is tried again later. */
void message_wait(struct message *message, const char *error);

/* alert_delivery.c */
/* The next attempt, once its number is durable. */
void delivery_begin(struct message *message);
/* An attempt that an earlier daemon began is gone on with, or its end is learned. */
void delivery_adopt(struct message *message);
