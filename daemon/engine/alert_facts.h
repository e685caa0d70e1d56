/* The facts of a message, as a JSON object: what a reader far away needs to understand it without logging in. */
#pragma once

#include "alert_memory.h"

struct engine;
struct run;
struct task_run;

/* The first step that failed, or NULL. */
const struct task_run *alert_failed_task(const struct run *run);
/* title: one line; text: title and what is known beyond. */
struct jval *alert_facts_of_run(const struct run *run, enum alert_event event, const struct alert_news *news);
struct jval *alert_facts_of_slow_run(const struct run *run, usec_t median);
struct jval *alert_facts_of_breaker(const struct run *run, const char *step, const char *text);
struct jval *alert_facts_of_test(const struct engine *engine, const char *alert, const char *who);
struct jval *alert_facts_of_deadline(const struct engine *engine, const struct job *job, usec_t deadline,
                                     const struct jval *memory);
