/* batchd -t: the configuration and all job files, checked. */
#pragma once

/* Prints every mistake as "file:line: text"; 0 when there is none, else 1. */
int check_everything(const char *config_file);
