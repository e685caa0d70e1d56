#include "follower.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void follower_init(struct follower *follower, const char *run, int64_t lines, bool follow) {
        *follower = (struct follower){.run = xstrdup_or_null(run), .lines = lines, .after = -1, .follow = follow};
}

void follower_done(struct follower *follower) {
        free(follower->run);
        follower->run = NULL;
}

struct jval *follower_params(const struct follower *follower) {
        struct jval *params = jval_object();
        if (follower->run_id[0] != '\0')
                jval_set_str(params, "run", follower->run_id);
        else if (follower->run)
                jval_set_str(params, "run", follower->run);
        if (follower->after >= 0)
                jval_set_int(params, "after", follower->after);
        else if (follower->lines >= 0)
                jval_set_int(params, "lines", follower->lines);
        if (follower->follow)
                jval_set_bool(params, "follow", true);
        return params;
}

void follower_answered(struct follower *follower, const struct jval *result) {
        const char *run_id = jval_get_str(result, "run_id");
        if (follower->run_id[0] == '\0' && run_id && strlen(run_id) < sizeof(follower->run_id))
                memcpy(follower->run_id, run_id, strlen(run_id) + 1);
}

bool follower_takes(struct follower *follower, const struct jval *line) {
        int64_t sequence = jval_get_int(line, "seq", 0);
        if (sequence <= follower->after)
                return false;
        follower->after = sequence;
        return true;
}

void follower_covered(struct follower *follower, const struct jval *result) {
        int64_t last = jval_get_int(result, "last", 0);
        if (last > follower->after)
                follower->after = last;
}
