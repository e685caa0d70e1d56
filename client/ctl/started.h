/* What commands that start a run have in common: their options, a word on the run, and watching it where that was asked
 * for. */
#pragma once

#include "options.h"
#include "session.h"

struct start_options {
        const char *reason; /* or NULL */
        bool wait;
        bool follow;
        usec_t timeout; /* 0: none */
};

/* Rows for the member `start` of the options of type `type`. shown: what --follow shows. */
#define START_OPTION_ROWS(type, shown)                                                                                 \
        {.name = "reason",                                                                                             \
         .value = "TEXT",                                                                                              \
         .help = "Why, kept with the run",                                                                             \
         .kind = OPTION_STRING,                                                                                        \
         .offset = offsetof(type, start.reason)},                                                                      \
                {.letter = 'w',                                                                                        \
                 .name = "wait",                                                                                       \
                 .help = "Wait for its end; the exit status tells how it ended",                                       \
                 .kind = OPTION_FLAG,                                                                                  \
                 .offset = offsetof(type, start.wait)},                                                                \
                {.letter = 'f',                                                                                        \
                 .name = "follow",                                                                                     \
                 .help = "Wait, and show " shown,                                                                      \
                 .kind = OPTION_FLAG,                                                                                  \
                 .offset = offsetof(type, start.follow)},                                                              \
        {                                                                                                              \
                .name = "timeout", .value = "SPAN",                                                                    \
                .help = "Wait no longer than this (the run goes on); exit status 124", .kind = OPTION_SPAN,            \
                .offset = offsetof(type, start.timeout)                                                                \
        }

/* Makes the call of run.start, run.retry or run.backfill (taken over; the reason is added), tells what was started, and
 * watches it if that is wanted. The exit status: with wait or follow that of the run. A backfill that starts nothing is
 * shown by `otherwise`. */
int start_run(const struct context *context, enum method_id method, struct jval *call,
              const struct start_options *options,
              int (*otherwise)(const struct context *context, const struct jval *result));
