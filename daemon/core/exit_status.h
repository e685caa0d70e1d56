/* Sets of exit statuses, and their names. */
#pragma once

#include "job.h"

/* The highest status that a process can exit with. */
#define EXIT_STATUS_MAX 255

void exit_status_set_add(struct exit_status_set *set, int status);
bool exit_status_set_overlaps(const struct exit_status_set *a, const struct exit_status_set *b);
/* Array of the numbers in it. */
struct jval *exit_status_set_to_json(const struct exit_status_set *set);

/* A number from 0 to 255, or a name of sysexits.h without its EX_ ("TEMPFAIL"), or one of the LSB's for init scripts
 * ("NOTINSTALLED"): those that systemd.exec(5) lists. The status, or -EINVAL. */
int exit_status_from_string(const char *text);
/* The name's spelling nearest to a wrong one, or NULL. */
const char *exit_status_suggest(const char *text);
