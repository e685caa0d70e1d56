/* Who may do what over HTTP: reading is open or needs a login, as ReadAccess= says; what changes something needs the
 * admin's session or a script's token, comes from our own page, and not too often. */
#pragma once

#include <stdbool.h>

#include "client_address.h"
#include "http_conn.h"
#include "jval.h"
#include "loop.h"
#include "web_config.h"

struct access;

/* sessions_fd: memory of the sessions of an earlier batch-web, taken over; -1: there is none. 0 or negative errno. */
int access_new(struct access **ret, const struct web_config *config, struct loop *loop, int sessions_fd);
/* Where the sessions are, to be kept by the service manager. */
int access_sessions_fd(const struct access *access);
struct access *access_free(struct access *access);
/* Reads password and tokens again; what is wrong is logged and the earlier ones stay. */
void access_reload(struct access *access);

enum access_need { ACCESS_READ, ACCESS_ACT };

struct caller {
        struct client_origin origin;
        char name[80]; /* "admin", "token NAME"; "" nobody in particular */
        bool is_token;
        bool may_act;
        const char *csrf; /* of a session; valid until the loop goes on */
};

/* Who asks. Answers and returns false when he may not. */
bool access_allows(struct access *access, enum access_need need, struct http_conn *conn,
                   const struct http_request *request, struct caller *ret);
/* Counts an action. Answers and returns false when there were too many. */
bool access_take_action(struct access *access, struct http_conn *conn, const struct caller *caller);
/* Sets who acts and, where it is not said, how it came about: "admin from 203.0.113.7". */
void access_sign(const struct caller *caller, struct jval *params);

/* GET, POST and DELETE of /session: who am I, log in, log out. */
void access_session(struct access *access, struct http_conn *conn, const struct http_request *request);
