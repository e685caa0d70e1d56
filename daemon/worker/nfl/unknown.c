#include "unknown.h"
#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "step_report.h"
#include "strutil.h"
#include "xalloc.h"

#define NAMED_MAX 80

int unknown_check(struct db *db, char **ret_error) {
        _cleanup_result_ PGresult *result = NULL;
        int r = db_query(db, "SELECT EXISTS (SELECT FROM players)", NULL, 0, &result, ret_error);
        if (r == 0 && !streq(PQgetvalue(result, 0, 0), "t"))
                return error_set(ret_error, NFL_DATA, "the table players is empty: run `batch-nfl rosters` first");
        return r;
}

void unknown_add(struct unknown *unknown, const char *id, const char *name) {
        unknown->rows++;
        _cleanup_free_ char *text = name && *name && !streq(name, id) ? xasprintf("%s (%s)", name, id) : xstrdup(id);
        if (!strv_contains(unknown->names, text))
                strv_append(&unknown->names, text);
}

void unknown_report(const struct unknown *unknown) {
        size_t count = strv_length(unknown->names);
        if (count == 0)
                return;
        _cleanup_strv_ char **named = NULL;
        for (size_t i = 0; i < count && i < NAMED_MAX; i++)
                strv_append(&named, unknown->names[i]);
        if (count > NAMED_MAX)
                strv_append_take(&named, xasprintf("and %zu more", count - NAMED_MAX));
        _cleanup_free_ char *list = strv_join(named, ", ");
        const char *are = count == 1 ? " is" : "s are", *rows = unknown->rows == 1 ? "" : "s";
        log_warning("%zu player%s not in the table players, %zu row%s skipped: %s", count, are, unknown->rows, rows,
                    list);
        report_metric("players_skipped", (int64_t)count);
        report_warning("unknown_players",
                       "%zu player%s not in the table players (%zu row%s skipped; a roster refresh brings in new "
                       "players): %s",
                       count, are, unknown->rows, rows, list);
}

void unknown_done(struct unknown *unknown) {
        unknown->names = strv_free(unknown->names);
}
