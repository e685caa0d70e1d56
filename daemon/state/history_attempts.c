/* The attempts of one run, for those who look at all of them. */
#include <errno.h>

#include "history_internal.h"
#include "rows.h"
#include "strutil.h"

/* An attempt and the one behind it: which one is the last of its step and item shows only then. */
struct walk {
        struct attempt_record *held;
        history_attempt_fn take;
        void *user;
};

static void walk_next(struct walk *walk, struct attempt_record *next) {
        if (walk->held)
                walk->take(walk->held,
                           !next || !streq(walk->held->step_name, next->step_name) ||
                                   !streq(walk->held->item, next->item),
                           walk->user);
        (void)attempt_record_free(walk->held);
        walk->held = next;
}

int history_walk_attempts(sqlite3 *db, const char *run_id, history_attempt_fn take, void *user, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct walk walk = {.take = take, .user = user};
        int code, r = history_prepare(db,
                                      "SELECT " ATTEMPT_COLUMNS_LEAN " FROM attempts WHERE run_id = :run_id"
                                      " ORDER BY step_order, step_name, item, attempt",
                                      &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", run_id);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                walk_next(&walk, attempt_record_from_row(statement));
        walk_next(&walk, NULL);
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}
