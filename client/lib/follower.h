/* Following the lines of a run over lost connections: remembers how far it got, so that each line is shown once and
 * none is missed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "jval.h"
#include "uuid.h"

struct follower {
        char *run;     /* what the user asked for; NULL: what runs, else the latest */
        int64_t lines; /* how many of the last lines to begin with; -1: all that the live buffer holds */
        int64_t after; /* the last sequence number that was shown; -1 until the first answer */
        bool follow;
        char run_id[UUID_SIZE]; /* "" until the first answer */
};

/* run is copied. */
void follower_init(struct follower *follower, const char *run, int64_t lines, bool follow);
void follower_done(struct follower *follower);
#define _cleanup_follower_ _cleanup_(follower_done)

/* The params of the next run.tail call: the first one, one more page, or the one that goes on after a lost connection.
 */
struct jval *follower_params(const struct follower *follower);
/* Takes an answer to run.tail in, before its lines. Afterwards the run is named by its uuid, so that a later one is
 * never followed by mistake. */
void follower_answered(struct follower *follower, const struct jval *result);
/* Whether the line has not been shown yet; then it counts as shown. */
bool follower_takes(struct follower *follower, const struct jval *line);
/* Behind the lines of an answer: counts as shown what the answer says it covers (it may have skipped lines on demand).
 */
void follower_covered(struct follower *follower, const struct jval *result);
