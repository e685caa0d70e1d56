#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "errorclass.h"
#include "errortext.h"
#include "form.h"
#include "store_model.h"
#include "strutil.h"

#define NUMBER_SIZE 32
#define ARRAY_MAX ((size_t)64 << 10)
#define PARAMETERS 15

static const char insert_sql[] =
        "INSERT INTO models (feature_set, first_season, first_type, first_week, last_season, last_type, last_week, "
        "trained_lines, trained_touchdowns, intercept, features, coefficients, test_lines, test_log_loss, test_brier, "
        "test_auc, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "($14::double precision[])[1], ($14::double precision[])[2], nullif(($14::double precision[])[3], 'NaN'), $15) "
        "RETURNING model_version";

/* PostgreSQL's array literals of the names and of numbers; 17 digits give the same double again. */
static int names_array(struct buf *buf) {
        int r = buf_append(buf, "{", 1);
        for (size_t i = 0; i < FORM_FEATURES && r == 0; i++)
                r = buf_appendf(buf, "%s%s", i ? "," : "", form_names[i]);
        return r < 0 ? r : buf_append(buf, "}", 1);
}

static int numbers_array(struct buf *buf, const double *numbers, size_t n) {
        int r = buf_append(buf, "{", 1);
        for (size_t i = 0; i < n && r == 0; i++)
                r = buf_appendf(buf, "%s%.17g", i ? "," : "", numbers[i]);
        return r < 0 ? r : buf_append(buf, "}", 1);
}

int model_insert(struct db *db, struct stored_model *model, usec_t now, char **ret_error) {
        _cleanup_buf_ struct buf names = BUF_INIT(ARRAY_MAX), weights = BUF_INIT(ARRAY_MAX),
                                 figures = BUF_INIT(ARRAY_MAX);
        const double tested[] = {model->test.log_loss, model->test.brier, model->test.auc};
        if (names_array(&names) < 0 || numbers_array(&weights, model->regression.weights, model->regression.n) < 0 ||
            numbers_array(&figures, tested, 3) < 0)
                return error_set(ret_error, NFL_DATA, "the model is larger than %zu KiB", ARRAY_MAX >> 10);
        char texts[9][NUMBER_SIZE], intercept[NUMBER_SIZE], created[RFC3339_SIZE];
        const long long numbers[9] = {FORM_VERSION,
                                      model->first.season,
                                      model->first.week,
                                      model->last.season,
                                      model->last.week,
                                      (long long)model->lines,
                                      (long long)model->scored,
                                      (long long)model->test.n,
                                      0};
        for (size_t i = 0; i < 9; i++)
                (void)snprintf(texts[i], NUMBER_SIZE, "%lld", numbers[i]);
        (void)snprintf(intercept, sizeof(intercept), "%.17g", model->regression.intercept);
        const char *const parameters[PARAMETERS] = {
                texts[0],
                texts[1],
                season_type_name(model->first.type),
                texts[2],
                texts[3],
                season_type_name(model->last.type),
                texts[4],
                texts[5],
                texts[6],
                intercept,
                buf_data(&names),
                buf_data(&weights),
                texts[7],
                model->test.n ? buf_data(&figures) : NULL,
                format_rfc3339(created, now),
        };
        _cleanup_result_ PGresult *result = NULL;
        int r = db_query(db, insert_sql, parameters, PARAMETERS, &result, ret_error);
        if (r == 0)
                (void)snprintf(model->version, sizeof(model->version), "%s", PQgetvalue(result, 0, 0));
        return r;
}

static const char find_sql[] =
        "WITH found AS (SELECT * FROM models WHERE feature_set = $1 AND (last_season, last_type = 'post', last_week) < "
        "($2::integer, $4::text = 'post', $3::integer) "
        "ORDER BY last_season DESC, last_type = 'post' DESC, last_week DESC, model_number DESC LIMIT 1) "
        "SELECT model_version, last_season, last_type, last_week, intercept, weight FROM found, "
        "unnest(coefficients) WITH ORDINALITY AS w (weight, number) ORDER BY number";

int model_find(struct db *db, const struct week *week, struct stored_model *ret, bool *ret_found, char **ret_error) {
        char set[NUMBER_SIZE], season[NUMBER_SIZE], number[NUMBER_SIZE];
        (void)snprintf(set, sizeof(set), "%d", FORM_VERSION);
        (void)snprintf(season, sizeof(season), "%d", week->season);
        (void)snprintf(number, sizeof(number), "%d", week->week);
        const char *const parameters[] = {set, season, number, season_type_name(week->type)};
        _cleanup_result_ PGresult *result = NULL;
        int r = db_query(db, find_sql, parameters, 4, &result, ret_error);
        if (r < 0)
                return r;
        *ret_found = PQntuples(result) > 0;
        if (!*ret_found)
                return 0;
        struct stored_model model = {.regression.n = FORM_FEATURES};
        if (PQntuples(result) != FORM_FEATURES)
                return error_set(ret_error, NFL_DATA,
                                 "the model %s has %d coefficients for %d features: delete it from the table models",
                                 PQgetvalue(result, 0, 0), PQntuples(result), FORM_FEATURES);
        (void)snprintf(model.version, sizeof(model.version), "%s", PQgetvalue(result, 0, 0));
        model.last.season = (int)result_int(result, 0, 1);
        (void)season_type_parse(PQgetvalue(result, 0, 2), &model.last.type);
        model.last.week = (int)result_int(result, 0, 3);
        (void)parse_double(PQgetvalue(result, 0, 4), &model.regression.intercept);
        for (int i = 0; i < FORM_FEATURES; i++)
                (void)parse_double(PQgetvalue(result, i, 5), &model.regression.weights[i]);
        *ret = model;
        return 0;
}
