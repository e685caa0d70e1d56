/* What follows the start of a run: a word on it, and watching it where that was asked for. */
#pragma once

#include "session.h"

struct start_options {
        bool wait;
        bool follow;
        usec_t timeout; /* 0: none */
};

/* result: of run.start, run.retry or run.backfill. The exit status: with wait or follow that of the run. */
int start_told(struct session *session, const struct jval *result, const struct start_options *options);
