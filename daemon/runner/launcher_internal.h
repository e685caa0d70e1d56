/* Shared by the files of the launcher: launcher.c (socket and event loop), launcher_monitors.c (the monitors and what
 * dead ones leave behind), launcher_upgrade.c (re-execution in place). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher.h"
#include "monitor.h"
#include "timeutil.h"

#define LAUNCHER_CONNECTIONS_MAX 16

/* A monitor that lives. */
struct launched {
        pid_t pid;
        int64_t number;
        int pid_fd; /* of an earlier launcher's monitor, whose end wait(2) does not tell; -1: our child */
};

struct launcher {
        const struct launcher_options *options;
        struct monitor_context context;
        char *cgroup_base; /* NULL: none */
        int monitors_fd;   /* the cgroup of the monitors; -1: none */
        int listen_fd, signal_fd, lock_fd;
        bool is_listen_inherited; /* systemd's: not ours to remove */
        int connections[LAUNCHER_CONNECTIONS_MAX];
        size_t n_connections;
        struct launched *monitors;
        size_t n_monitors;
        size_t monitors_capacity;
        bool is_stopping;
        usec_t idle_since; /* boot clock; 0: not idle */
};

/* launcher_monitors.c */
/* Forks the monitor for an encoded spec. Takes both descriptors over. */
void launcher_launch(struct launcher *launcher, const char *spec, size_t len, int attempt_fd, int daemon_fd);
/* Reaps children, and cleans up behind monitors that did not end well. */
void launcher_reap(struct launcher *launcher);
/* The monitor of an earlier launcher has ended. */
void launcher_forget_survivor(struct launcher *launcher, size_t index);
/* At start: finds the monitors that live, has their limits written anew, and cleans up behind those that do not. */
void launcher_find_survivors(struct launcher *launcher);
void launcher_signal_monitors(struct launcher *launcher, int signo);
/* Ends all processes of an attempt whose monitor is dead, and removes its leaf and socket. */
void launcher_sweep(const char *runtime_dir, const char *cgroup_base, int64_t number);
/* As found in the runtime folder and among the leaves. Calls fn for each number, some perhaps twice. */
void launcher_each_trace(const char *runtime_dir, const char *cgroup_base, void (*fn)(int64_t number, void *user),
                         void *user);

/* launcher_upgrade.c */
/* Whether the program that is installed is not the one that runs. */
bool launcher_is_outdated(void);
/* Executes the program anew with everything handed over. Returns only when that fails. */
void launcher_upgrade(struct launcher *launcher);
/* Takes over what the earlier image wrote. 0 or negative errno. */
int launcher_resume(struct launcher *launcher, int resume_fd);
