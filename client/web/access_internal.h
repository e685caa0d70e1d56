/* Shared by the files of access control. */
#pragma once

#include "access.h"
#include "password.h"
#include "sessions.h"
#include "throttle.h"
#include "tokens.h"

#define SESSION_COOKIE "batchd_session"

struct access {
        const struct web_config *config;
        struct password_checker *checker;
        struct sessions *sessions;
        struct throttle *throttle;
        struct tokens tokens;
        char *hash; /* of the admin's password; NULL: none is set */
};

/* NULL: the request has no session. */
struct web_session *access_session_of(struct access *access, const struct http_request *request);
/* Who asks, by the session alone. */
void access_identify(struct access *access, const struct http_request *request, struct caller *ret);
/* Answers 429. what: why, without "wait". */
void access_refuse_wait(struct http_conn *conn, usec_t wait, const char *what);
