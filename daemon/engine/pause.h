/* Jobs that are paused, and the daemon that is drained: what people said, kept in state.db until they take it back. */
#pragma once

#include "jval.h"

struct engine;

/* Reads what an earlier daemon kept. 0 or negative errno. */
int pauses_load(struct engine *engine);
/* {since, until, reason, by} while the job is paused, else NULL. Borrowed. A pause ends by itself at `until`. */
const struct jval *pause_of_job(const struct engine *engine, const char *job);
/* {since, reason, by} while nothing new is to start, else NULL. Borrowed. */
const struct jval *engine_drain_of(const struct engine *engine);
