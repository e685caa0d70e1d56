/* A daemon's side in miniature for tests of supervision: a loop, a supervise with its own runtime and state folders,
 * and attempts that remember everything that they are told. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervise.h"

struct harness {
        char dir[64]; /* below /tmp */
        struct loop *loop;
        struct supervise *supervise;
        struct loop_timer *limit;
        bool is_out_of_time;
        char runner_path[512];
        int64_t next_number;
};

/* What one attempt has told. */
struct witness {
        struct harness *harness;
        struct attempt *attempt;
        int64_t number;
        char *attempt_path, *log_path;
        pid_t pid;
        unsigned n_started;
        char *text; /* of all lines, "stdout text\n" each, P pieces as "stdout P text\n" */
        size_t text_len, text_size;
        size_t n_lines;
        uint64_t next_offset; /* lines must be contiguous */
        bool has_gap;
        char *reports; /* "key=value\n" in the order of arrival */
        size_t reports_len, reports_size;
        bool has_ended;
        struct attempt_result result;
};

void harness_init(struct harness *harness);
/* Sets runner_path to this build's. An empty one means that somebody else starts the launcher. */
void harness_restore_runner(struct harness *harness);
void harness_start(struct harness *harness); /* a supervise, as a daemon's start does */
void harness_crash(struct harness *harness); /* lets go of it, as SIGKILL of a daemon does */
void harness_done(struct harness *harness);  /* with the launcher, and all files */
/* Runs the loop until `done` says true. False: `seconds` passed. */
bool harness_run(struct harness *harness, bool (*done)(void *user), void *user, unsigned seconds);
void harness_spin(struct harness *harness, unsigned msec);
/* -1: nobody answers. */
pid_t harness_launcher_pid(const struct harness *harness);
/* Aborts where pid is no single process. */
void harness_kill(pid_t pid, int signo);
void harness_wait_for_launcher(struct harness *harness);

/* Within two seconds. */
bool harness_is_gone(pid_t pid);
/* Cgroups of our own, where this machine lets us make one: the same tests, the other way to find a step's processes.
 * False: it does not. */
bool harness_enter_cgroup_mode(void);
/* Removes the cgroup, which must be empty. */
void harness_leave_cgroup_mode(void);
/* A shell script whose processes ignore, hide and stop. Their four ids come as lines. */
extern const char harness_nasty_script[];

struct attempt_spec harness_spec(struct harness *harness, struct witness *witness, char *const *argv);
void witness_launch(struct witness *witness, const struct attempt_spec *spec);
/* /bin/sh -c script with plain settings. */
void witness_shell(struct harness *harness, struct witness *witness, const char *script);
void witness_adopt(struct witness *witness, uint64_t offset);
bool witness_wait(struct witness *witness, unsigned seconds);
/* The last value reported under key, or NULL; valid until the next call. */
const char *witness_report(const struct witness *witness, const char *key);
bool witness_has_four_lines(void *user);
/* None of the processes whose ids stand in its lines lives. Aborts where one does. */
void witness_assert_gone(const struct witness *witness);
void witness_done(struct witness *witness);
