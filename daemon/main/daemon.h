/* The daemon as a whole: its parts made, connected and taken apart. */
#pragma once

#include <stdbool.h>

#include "settings.h"

/* Serves until it is told to end; the process's exit status. after_stop: no clients, only end and record what a stopped
 * daemon could not. */
int daemon_run(const char *config_file, struct settings *settings, bool after_stop);
