/* Alerts: what is worth telling of runs, deadlines and breakers, and to whom. Nothing here can hold up the work: what
 * is to be told is recorded with the decision it is about, and delivered beside it. */
#pragma once

#include "alert.h"
#include "diagnostic.h"

struct engine;
struct run;
struct job_registry;
struct alerts;

/* The memory of each job and the messages that wait, from state.db. program: path of batch-alert. */
int alerts_new(struct alerts **ret, struct engine *engine, const char *program, char **ret_error);
struct alerts *alerts_free(struct alerts *alerts);
void alerts_configure(struct alerts *alerts, const struct alert *items, size_t n_items, bool on);
/* Names in OnFailure= and OnRecovery= that no [Alert] has, as warnings. */
void alerts_check_names(const struct alerts *alerts, const struct job_registry *jobs, struct diagnostics *diagnostics);

/* It runs (again): from now on it can be slower than usual. */
void alerts_run_started(struct run *run);
/* Its record is final. */
void alerts_run_ended(struct run *run);
/* Deadline= has passed. since: the deadline before. */
void alerts_deadline_passed(struct alerts *alerts, const struct job *job, usec_t deadline, usec_t since);
/* text: which step, after what, and until when. */
void alerts_breaker_opened(struct run *run, const char *step, const char *text);

/* The answer to alert.list. */
struct jval *alerts_json(const struct alerts *alerts);
