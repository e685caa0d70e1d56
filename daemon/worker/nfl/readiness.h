/* data_readiness: what of each week is there, how complete it is, and how the last fetch of its prices went. Counted
 * from the tables themselves whenever something ran, so that it can be wrong about nothing that they hold. */
#pragma once

#include "worker.h"

/* Counts every week of `week`'s season anew, in one transaction. The run (BATCH_RUN_ID) becomes the last one that
 * touched `week` and each week whose rows it changed, unless `touches` is false: looking is not touching. */
int readiness_refresh(struct worker *worker, const struct week *week, bool touches, char **ret_error);
/* A fetch of the week's prices begins: it counts as failed until readiness_odds_end says otherwise, whatever becomes of
 * this process. */
int readiness_odds_begin(struct worker *worker, const struct week *week, char **ret_error);
/* It has succeeded, with or without prices. */
int readiness_odds_end(struct worker *worker, const struct week *week, char **ret_error);
/* What a command does at its end, also after a failure: a refresh for the week that it worked on, else for the current
 * one. Failures are warnings. Connects again where the connection was lost. */
void readiness_after(struct worker *worker);
