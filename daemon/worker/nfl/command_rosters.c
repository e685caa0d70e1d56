/* batch-nfl rosters: the API's player list into the table players, and who is gone. */
#include <stdlib.h>

#include "api_players.h"
#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "outcome.h"
#include "step_report.h"
#include "strutil.h"
#include "worker.h"
#include "xalloc.h"

#define PAGES_MAX 64

struct roster {
        struct buf rows;
        struct buf next_path; /* of the next page; empty: none */
        size_t players, unusable;
        struct outcome outcome;
        bool overflow;
};

static void add_player(void *userdata, const struct api_player *player) {
        struct roster *roster = userdata;
        int r = row_text(&roster->rows, player->id);
        r = r < 0 ? r : row_next(&roster->rows);
        r = r < 0 ? r : row_text(&roster->rows, player->name);
        r = r < 0 ? r : row_next(&roster->rows);
        r = r < 0 ? r : row_text(&roster->rows, player->position);
        r = r < 0 ? r : row_next(&roster->rows);
        r = r < 0 ? r : row_text(&roster->rows, *player->team ? player->team : NULL);
        r = r < 0 ? r : row_next(&roster->rows);
        r = r < 0 ? r : row_text(&roster->rows, player->active ? "t" : "f");
        r = r < 0 ? r : row_end(&roster->rows);
        roster->overflow = roster->overflow || r < 0;
}

/* The cursor comes from outside: only what needs no escaping in a query is taken as it is. */
static void append_query_text(struct buf *buf, const char *text) {
        for (; *text; text++) {
                bool plain = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
                             (*text >= 'a' && *text <= 'z') || *text == '-' || *text == '_' || *text == '.';
                if (plain)
                        (void)buf_append_char(buf, *text);
                else
                        (void)buf_appendf(buf, "%%%02X", (unsigned)(unsigned char)*text);
        }
}

static int take_page(void *userdata, size_t index, const struct answer *answer) {
        struct roster *roster = userdata;
        _cleanup_free_ char *error = NULL;
        struct api_player_page page;
        if (answer->kind != ANSWER_DATA) {
                int class = answer->kind == ANSWER_NOTHING ? NFL_LATER : answer_class(answer);
                outcome_fail(&roster->outcome, "player list", class, answer->explanation);
                return 0;
        }
        if (api_players_read(answer->body, add_player, roster, &page, &error) < 0) {
                outcome_fail(&roster->outcome, "player list", NFL_DATA, error);
                return 0;
        }
        roster->players += page.count;
        roster->unusable += page.unusable;
        roster->outcome.good++;
        if (page.next_token) {
                (void)buf_append_str(&roster->next_path, "getNFLPlayerList?nextToken=");
                append_query_text(&roster->next_path, page.next_token);
        }
        return 0;
}

/* All pages, or none of it counts: half a list would make the other half look as if they had left. */
static int fetch_list(struct worker *worker, struct roster *roster, char **ret_error) {
        (void)buf_append_str(&roster->next_path, "getNFLPlayerList");
        for (int page = 0; roster->next_path.len > 0; page++) {
                if (page == PAGES_MAX)
                        return error_set(ret_error, NFL_DATA, "the player list has more than %d pages", PAGES_MAX);
                _cleanup_free_ char *path = buf_steal(&roster->next_path);
                const char *paths[] = {path};
                int r = fetch_all(worker->fetch, paths, 1, take_page, roster);
                r = r < 0 ? r : outcome_result(&roster->outcome, "player list", ret_error);
                if (r < 0)
                        return r;
                if (roster->outcome.unusable)
                        return error_set(ret_error, NFL_DATA, "%s", roster->outcome.first);
        }
        if (roster->overflow)
                return error_set(ret_error, NFL_DATA, "the player list is larger than %zu MiB of rows", ROWS_MAX >> 20);
        if (roster->players == 0)
                return error_set(ret_error, NFL_DATA, "the player list holds no player with an id and a name");
        return 0;
}

/* A list that lacks half of those who are active is more likely broken than true. */
static int mark_left(struct db *db, int64_t *ret_left, char **ret_error) {
        static const char doubt_sql[] = "SELECT count(*) FILTER (WHERE i.player_id IS NULL), count(*) FROM players p "
                                        "LEFT JOIN incoming_players i USING (player_id) WHERE p.active_status";
        static const char left_sql[] =
                "WITH gone AS (UPDATE players p SET active_status = false, updated_at = now() WHERE active_status AND NOT EXISTS "
                "(SELECT FROM incoming_players i WHERE i.player_id = p.player_id) RETURNING 1) SELECT count(*) FROM gone";
        _cleanup_result_ PGresult *doubt = NULL, *left = NULL;
        int r = db_query(db, doubt_sql, NULL, 0, &doubt, ret_error);
        if (r < 0)
                return r;
        int64_t missing = result_int(doubt, 0, 0), active = result_int(doubt, 0, 1);
        *ret_left = 0;
        if (missing > active / 2) {
                report_warning("short_player_list",
                               "%lld of %lld active players are missing in the list: nobody is marked as gone",
                               (long long)missing, (long long)active);
                return 0;
        }
        r = db_query(db, left_sql, NULL, 0, &left, ret_error);
        if (r == 0)
                *ret_left = result_int(left, 0, 0);
        return r;
}

static const char create_sql[] =
        "CREATE TEMP TABLE incoming_players (player_id text, name text, position text, team text, active boolean) "
        "ON COMMIT DROP";

struct roster_counts {
        int64_t added, changed, left;
};

static int store(struct db *db, const struct roster *roster, struct roster_counts *ret, char **ret_error) {
        static const char upsert[] =
                "WITH stored AS (INSERT INTO players AS p (player_id, name, position, team, active_status) "
                "SELECT DISTINCT ON (player_id) player_id, name, position, team, active FROM incoming_players "
                "ORDER BY player_id, active DESC "
                "ON CONFLICT (player_id) DO UPDATE SET name = EXCLUDED.name, position = EXCLUDED.position, team = EXCLUDED.team, "
                "active_status = EXCLUDED.active_status, updated_at = now() "
                "WHERE (p.name, p.position, p.team, p.active_status) IS DISTINCT FROM "
                "(EXCLUDED.name, EXCLUDED.position, EXCLUDED.team, EXCLUDED.active_status) RETURNING xmax = 0 AS added) "
                "SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM stored";
        _cleanup_result_ PGresult *result = NULL;
        int r = db_begin(db, ret_error);
        r = r < 0 ? r : db_run(db, create_sql, ret_error);
        r = r < 0 ? r : db_copy(db, "COPY incoming_players FROM STDIN", &roster->rows, ret_error);
        r = r < 0 ? r : db_query(db, upsert, NULL, 0, &result, ret_error);
        r = r < 0 ? r : db_run(db, "ANALYZE incoming_players", ret_error);
        r = r < 0 ? r : mark_left(db, &ret->left, ret_error);
        r = r < 0 ? r : db_commit(db, ret_error);
        if (r < 0) {
                db_rollback(db);
                return r;
        }
        ret->added = result_int(result, 0, 0);
        ret->changed = result_int(result, 0, 1);
        return 0;
}

static void roster_done(struct roster *roster) {
        buf_done(&roster->rows);
        buf_done(&roster->next_path);
        outcome_done(&roster->outcome);
}

int command_rosters(struct worker *worker, char **ret_error) {
        _cleanup_(roster_done) struct roster roster = {.rows = BUF_INIT(ROWS_MAX), .next_path = BUF_INIT(4096)};
        struct roster_counts counts;
        report_status("player list");
        int r = fetch_list(worker, &roster, ret_error);
        r = r < 0 ? r : store(worker->db, &roster, &counts, ret_error);
        if (r < 0)
                return r;
        if (roster.unusable)
                report_warning("unusable_data", "%zu elements of the player list have no id or no name",
                               roster.unusable);
        report_metric("players_added", counts.added);
        report_metric("players_left", counts.left);
        report_records((int64_t)roster.players, 0);
        log_info("%zu players: %lld new, %lld changed, %lld left", roster.players, (long long)counts.added,
                 (long long)counts.changed, (long long)counts.left);
        return 0;
}
