/* Reading the job files into the engine. */
#pragma once

#include "diagnostic.h"
#include "jval.h"

struct engine;

/* Reads all job files, logs what is wrong with them; returns daemon.reload's result. before_them: what was wrong before
 * (with batchd.conf) and is told with it; taken over, may be NULL. */
struct jval *engine_load_jobs(struct engine *engine, struct diagnostics *before_them);
