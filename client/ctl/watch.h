/* Watching a run on the terminal until it ends: its lines, its steps and its progress, over restarts of the daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "timeutil.h"

struct watch_options {
        const char *run; /* number or uuid; NULL: what runs, else the latest */
        int64_t lines;   /* how many of the last lines to begin with; -1: all of the live buffer */
        bool follow;     /* until the run ends; else only what there is */
        bool show_lines;
        bool show_steps; /* a line for each change of a step */
        usec_t timeout;  /* 0: none */
};

/* The exit status: by the run's final status when it was followed to its end, EXIT_TIMED_OUT, or why it could not be
 * watched. Ctrl-C ends the process, with a word on how to go on; the run is left alone. */
int watch_run(struct session *session, const struct watch_options *options);
/* The exit status that stands for a run's final status. */
int exit_status_of_run(const char *status);
