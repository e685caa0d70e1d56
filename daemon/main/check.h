/* batchd -t: what is wrong with the configuration and the job files. */
#pragma once

#include <stdbool.h>

/* Each prints every mistake as "file:line: text", or all of it as a JSON document; 0 when there is no error, else 1.
 * Warnings alone are none. */
int check_everything(const char *config_file, bool json);
/* Job files, NULL-terminated, each with the drop-ins beside it. Needs no configuration. */
int check_files(char *const *files, bool json);
