/* A daemon of the build in a folder of its own, for benchmarks in C. Everything here ends the program when it fails. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"

struct bench_instance {
        char folder[64], runtime[64];
        pid_t pid;
        int fd; /* a connection to it */
        struct buf input;
        size_t consumed; /* of the frame that was handed out last */
};

void must(bool condition, const char *what);
/* jobs: name, text, name, text, ..., NULL. ballast: megabytes that the daemon holds from its start on. */
void instance_start(struct bench_instance *instance, const char *const *jobs, unsigned ballast);
/* Ends the runs, the daemon and the launcher, and removes the folder. */
void instance_stop(struct bench_instance *instance);
/* The run's number. */
long instance_start_run(struct bench_instance *instance, const char *job);
/* Starts a run and follows it; frames come from instance_next_frame. */
void instance_follow(struct bench_instance *instance, const char *job);
/* Starts a run and waits for its run.end. */
void instance_run_to_end(struct bench_instance *instance, const char *job);
/* One call, as JSON with an id, and its answer waited for. */
void instance_ask(struct bench_instance *instance, const char *call);
/* The next frame's JSON, valid until the next call. */
const char *instance_next_frame(struct bench_instance *instance);
