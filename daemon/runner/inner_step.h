/* Steps inside a program (STEP=, STEP_RESULT=), as the monitor keeps them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner_step {
        char *name;
        const char *result; /* "running", "success", "failed", "skipped"; static */
        uint64_t began_at;  /* realtime, usec */
        uint64_t began_boottime;
        uint64_t took;   /* usec of the boot clock, once it has ended */
        int64_t records; /* -1: not said */
        char *error;     /* NULL: not said */
};

struct inner_steps {
        struct inner_step *items;
        size_t n, capacity;
        size_t current; /* from 1; 0: none was named */
};

void inner_steps_done(struct inner_steps *steps);
/* The one with that name that is open becomes the current one; else a new one is opened. False: there are `max`. */
bool inner_steps_open(struct inner_steps *steps, const char *name, uint64_t realtime, uint64_t boottime, size_t max);
/* NULL: none was named. */
struct inner_step *inner_steps_current(const struct inner_steps *steps);
/* It ended with result (static); again: the last word counts. */
void inner_step_end(struct inner_step *step, const char *result, uint64_t boottime);
void inner_step_set_error(struct inner_step *step, const char *error);
/* "name result began=USEC[ took=USEC][ records=N][ error=text to the end]": the report. New memory. */
char *inner_step_text(const struct inner_step *step);
