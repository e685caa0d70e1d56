/* Answers of the API: JSON, with the protocol's error objects and the status that fits their kind. */
#pragma once

#include "client.h"
#include "http_conn.h"
#include "jval.h"

/* value is borrowed. */
void api_reply_value(struct http_conn *conn, int status, const struct jval *value);
/* message: the daemon's answer or refusal; NULL: there is none, and why says why (unavailable). */
void api_reply_message(struct http_conn *conn, const struct client_message *message, const char *why);
/* data: further members of the error's data, taken over; may be NULL. */
void api_reply_error(struct http_conn *conn, enum error_kind kind, struct jval *data, const char *format, ...)
        PRINTF_LIKE(4, 5);
/* The same with a status of its own (401, 415). */
void api_reply_error_as(struct http_conn *conn, int status, enum error_kind kind, struct jval *data,
                        const char *message);
/* 405. allowed: the verbs that there are, "GET, HEAD". */
void api_reply_wrong_verb(struct http_conn *conn, const char *allowed);
/* Status of an error kind. */
int api_status_of(enum error_kind kind);
