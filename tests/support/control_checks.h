/* What the tests of the control socket ask again and again; failures are cmocka's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "control_harness.h"

#define NOBODY 65534
#define CALL(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\",\"params\":" params "}"
#define STATUS(id) CALL(id, "daemon.status", "{}")

/* A harness in *state for each test. */
int control_set_up(void **state);
int control_tear_down(void **state);
#define CONTROL_TEST(function) cmocka_unit_test_setup_teardown(function, control_set_up, control_tear_down)

/* As the loop's thread sees it. */
struct fake_engine_state engine_state(struct harness *harness);
size_t n_sessions(struct harness *harness);
/* For harness_on_loop: user is the engine. */
void release_held(void *user);

/* Waits for at most two seconds until that many sessions are left. */
void assert_sessions(struct harness *harness, size_t expected);
/* The server has closed the connection. */
void assert_end(int fd);
/* A new client gets an answer. */
void assert_served(struct harness *harness);
/* The answer to json is an error of that kind ("": none) whose message has the text. */
void assert_kind(int fd, const char *json, const char *kind, const char *text);

/* A connection by another user with one group. Needs root. */
int connect_as(struct harness *harness, uid_t uid, gid_t group);
/* Group 5000 may watch, 5001 act; uid NOBODY - 1 is trusted; 5 actions a minute. */
struct harness *harness_with_groups(void);
