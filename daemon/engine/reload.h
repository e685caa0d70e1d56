/* Reading the job files into the engine. */
#pragma once

#include "jval.h"

struct engine;

/* Reads all job files, logs what is wrong with them; returns daemon.reload's result. */
struct jval *engine_load_jobs(struct engine *engine);
