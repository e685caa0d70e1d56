/* Signs of life of a step with HeartbeatSec=. */
#pragma once

struct task_run;

/* value: as the monitor reports it (supervise.h). While they are missing that is a warning of the run, and afterwards
 * one that they were; `heartbeat` of the metadata has {missing_since, silent_seconds, times}. */
void heartbeat_report(struct task_run *task, const char *value);
