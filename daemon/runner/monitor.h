/* The monitor of one attempt: a process that the launcher forks. It starts the command, is its subreaper, owns its
 * pipes, notify socket, log file and deadlines, and writes the result; it outlives launcher and daemon. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* What all monitors of a launcher share. */
struct monitor_context {
        const char *runtime_dir;
        const char *cgroup_base; /* NULL: no delegated cgroup */
        int null_fd;             /* /dev/null, for the command's stdin */
        mode_t umask;            /* for the command */
        char boot_id[37];
};

/* In the forked process, signals blocked. Takes attempt_fd (which carries the lock) and daemon_fd over; spec is the
 * encoded one. Exits with 0 once nothing of the step is left. */
_Noreturn void monitor_run(const struct monitor_context *context, const char *spec, size_t spec_len, int attempt_fd,
                           int daemon_fd);

/* The process name (comm) of the monitor of an attempt: "mon." and its number; how a new launcher finds those that
 * live. */
#define MONITOR_NAME_PREFIX "mon."
