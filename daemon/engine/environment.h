/* The environment of processes that the engine has started. */
#pragma once

/* What a process may see of the daemon's own environment. */
void environment_inherit(char ***environment);
/* NAME=value; a later assignment of a name replaces an earlier one. */
void environment_set(char ***environment, const char *name, const char *value);
