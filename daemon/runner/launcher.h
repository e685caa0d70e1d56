/* The launcher: one thread that forks a monitor for each attempt it is asked for, and cleans up behind those that die.
 */
#pragma once

#include <stdbool.h>

struct launcher_options {
        const char *runtime_dir;
        const char *cgroup_base; /* NULL: as found */
        bool is_detached;        /* leave the caller's session; end when nothing needs the launcher any more */
        bool is_without_cgroup;
        int resume_fd; /* what an earlier image of this process handed over; -1: none */
        char **argv;   /* to re-execute with */
        const char *version;
};

/* Runs until SIGTERM. An exit status. */
int launcher_run(const struct launcher_options *options);
/* ExecStopPost= of batch-runner.service. An exit status. */
int after_stop_run(const struct launcher_options *options);
