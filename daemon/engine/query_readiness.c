/* readiness.show: what the football worker says of its weeks, from PostgreSQL. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "engine_internal.h"
#include "strutil.h"
#include "xalloc.h"

/* Instants as everywhere in the protocol. */
#define INSTANT(column) "'" #column "', to_char(d." #column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

static const char select_sql[] =
        "SELECT coalesce(json_agg(w.row ORDER BY w.season_year, w.season_type DESC, w.week), '[]') FROM (SELECT d.season_year, "
        "d.season_type, d.week, to_jsonb(d) || jsonb_build_object(" INSTANT(odds_last_fetched_at) ", " INSTANT(
                updated_at) ", "
                            "'last_run_number', r.run_number) AS row FROM data_readiness d LEFT JOIN batch_runs r ON r.run_id = d.last_batch_id "
                            "WHERE ";

/* All of the season, one week of it, or the current one. The values are numbers, or words of the method table. */
static char *readiness_sql(const struct jval *params) {
        int64_t season = jval_get_int(params, "season", 0), week = jval_get_int(params, "week", 0);
        const char *type = jval_get_str(params, "season_type");
        struct buf sql = BUF_INIT(8192);

        (void)buf_append_str(&sql, select_sql);
        if (season)
                (void)buf_appendf(&sql, "d.season_year = %lld", (long long)season);
        else
                (void)buf_append_str(&sql, "d.season_year = (SELECT season_year FROM football_current_week)");
        if (week)
                (void)buf_appendf(&sql, " AND d.week = %lld", (long long)week);
        if (week || type)
                (void)buf_appendf(&sql, " AND d.season_type = '%s'", str_or(type, "reg"));
        if (!season && !week && !type)
                (void)buf_append_str(
                        &sql, " AND (d.week, d.season_type) = (SELECT week, season_type FROM football_current_week)");
        (void)buf_append_str(&sql, ") w");
        return buf_steal(&sql);
}

static void answered(const char *error, const char *text, void *user) {
        struct question *question = user;
        struct jval *weeks, *result;

        if (error) {
                question_fail(question, ERROR_KIND_UNAVAILABLE, "the database does not answer this: %s", error);
                return;
        }
        if (!text || jval_parse(text, strlen(text), &weeks, NULL) < 0)
                weeks = jval_array();
        result = jval_object();
        jval_set(result, "weeks", weeks);
        question_answer(question, result);
}

void engine_readiness_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        _cleanup_free_ char *sql = readiness_sql(params);
        int r = engine->mirror ? mirror_query(engine->mirror, sql, answered, question) : -ENODEV;

        if (r == -ENODEV)
                question_fail(
                        question, ERROR_KIND_UNAVAILABLE,
                        "set Database= in batchd.conf: data readiness is kept in PostgreSQL, and none is configured");
        else if (r == -EAGAIN)
                question_fail(question, ERROR_KIND_UNAVAILABLE, "try again in a moment: too many questions wait");
        else if (r < 0)
                question_fail(question, ERROR_KIND_UNAVAILABLE,
                              "try again when PostgreSQL is back (see: batchctl status): data readiness is kept there");
}
