/* AfterJob=: runs that are started by the success of another. */
#pragma once

struct run;

/* The run has ended, in this pass: those that follow it are made in the same pass, so that its end and they are durable
 * together, and each exists exactly once, whatever is killed when. */
void follow_run(struct run *run);
