/* batch-nfl evaluate: how good the predictions of past weeks would have been, walking forward. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errorclass.h"
#include "errortext.h"
#include "evaluation.h"
#include "form.h"
#include "model.h"
#include "store_history.h"
#include "worker.h"

/* "2024" (with whole: the first or last week of the season), "2024-5", "2024-post-1". */
static int parse_bound(const char *name, const char *text, bool first, struct week *ret, char **ret_error) {
        char type[8] = "";
        int season = 0, number = 0, end = 0, length = (int)strlen(text);
        struct week week = {.type = SEASON_REG};
        bool whole = sscanf(text, "%4d%n", &season, &end) == 1 && end == length;
        bool good = whole || (sscanf(text, "%4d-%2d%n", &season, &number, &end) == 2 && end == length);
        if (!good && sscanf(text, "%4d-%7[a-z]-%2d%n", &season, type, &number, &end) == 3 && end == length)
                good = season_type_parse(type, &week.type) == 0;
        if (whole) {
                week.type = first ? SEASON_REG : SEASON_POST;
                number = first ? 1 : 4;
        }
        int most = week.type == SEASON_POST ? 4 : 18;
        if (!good || season < 2000 || season > 2100 || number < 1 || number > most)
                return error_set(ret_error, NFL_CONFIG,
                                 "--%s: '%s' is neither a season nor a week of one, as 2024, 2024-5 or 2024-post-1",
                                 name, text);
        week.season = season;
        week.week = number;
        *ret = week;
        return 0;
}

static void print_figures(const char *what, const struct measure *figures, const struct measure *any) {
        (void)printf("%-26s %6zu %9.4f %7.4f %7.4f", what, figures->n, figures->log_loss, figures->brier, figures->auc);
        if (any)
                (void)printf(" %9.4f", any->log_loss);
        (void)printf("\n");
}

static void print_table(const struct evaluation *evaluation) {
        const struct measure *model = &evaluation->ways[WAY_MODEL];
        (void)printf("%zu weeks, %zu lines of receivers and tight ends, %zu with a touchdown\n\n", evaluation->weeks,
                     model->n, model->scored);
        (void)printf("%-26s %6s %9s %7s %7s %9s\n", "", "lines", "log loss", "Brier", "AUC", "returns*");
        for (enum way way = 0; way < WAYS; way++)
                print_figures(way_name(way), &evaluation->ways[way], &evaluation->any[way]);
        print_figures("model, enough games", &evaluation->enough, NULL);
        (void)printf("\n* log loss when touchdowns on returns count, too\n\nCalibration of the model, every line:\n");
        (void)printf("%-10s %6s %9s %7s\n", "chance", "lines", "foretold", "scored");
        for (size_t i = 0; i < MEASURE_BINS; i++) {
                const struct measure_bin *bin = &model->bins[i];
                if (bin->n)
                        (void)printf("%.1f to %.1f %6zu %9.3f %7.3f\n", (double)i / MEASURE_BINS,
                                     (double)(i + 1) / MEASURE_BINS, bin->n, bin->mean,
                                     (double)bin->scored / (double)bin->n);
        }
}

/* NaN is no JSON. */
static void print_json_number(const char *name, double value) {
        if (isnan(value))
                (void)printf("\"%s\":null", name);
        else
                (void)printf("\"%s\":%.6f", name, value);
}

static void print_json(const struct evaluation *evaluation) {
        static const char *const names[WAYS] = {"position", "own", "baseline", "model", "predicted"};
        const struct measure *model = &evaluation->ways[WAY_MODEL];
        (void)printf("{\"weeks\":%zu,\"lines\":%zu,\"scored\":%zu,\"ways\":{", evaluation->weeks, model->n,
                     model->scored);
        for (size_t way = 0; way < WAYS; way++) {
                (void)printf("%s\"%s\":{", way ? "," : "", names[way]);
                print_json_number("log_loss", evaluation->ways[way].log_loss);
                (void)printf(",");
                print_json_number("brier", evaluation->ways[way].brier);
                (void)printf(",");
                print_json_number("auc", evaluation->ways[way].auc);
                (void)printf("}");
        }
        (void)printf("},\"calibration\":[");
        for (size_t i = 0; i < MEASURE_BINS; i++)
                (void)printf("%s{\"from\":%.1f,\"lines\":%zu,\"foretold\":%.6f,\"scored\":%zu}", i ? "," : "",
                             (double)i / MEASURE_BINS, model->bins[i].n, model->bins[i].mean, model->bins[i].scored);
        (void)printf("]}\n");
}

static int load(struct worker *worker, const struct week *to, struct history *ret, char **ret_error) {
        int r = db_begin(worker->db, ret_error);
        r = r < 0 ? r : history_load(worker->db, to, HISTORY_SEASONS, true, ret, ret_error);
        db_rollback(worker->db);
        return r;
}

int command_evaluate(struct worker *worker, char **ret_error) {
        _cleanup_(history_done) struct history history = {0};
        _cleanup_(examples_done) struct examples examples = {0};
        const struct settings *settings = worker->settings;
        struct week from, to;
        if (!settings->from || !settings->to)
                return error_set(ret_error, NFL_CONFIG,
                                 "which weeks? Give --from and --to, as --from=2024-5 --to=2024-18, or seasons");
        int r = parse_bound("from", settings->from, true, &from, ret_error);
        r = r < 0 ? r : parse_bound("to", settings->to, false, &to, ret_error);
        if (r == 0 && week_order(&from) > week_order(&to))
                return error_set(ret_error, NFL_CONFIG, "--from=%s is after --to=%s", settings->from, settings->to);
        r = r < 0 ? r : load(worker, &to, &history, ret_error);
        if (r < 0)
                return r;
        examples = examples_make(history.lines, history.n);
        size_t too_early = 0;
        struct evaluation evaluation = evaluation_run(&examples, week_order(&from), week_order(&to), &too_early);
        if (evaluation.weeks == 0)
                return error_set(ret_error, NFL_DATA,
                                 too_early ? "fewer than %d lines are stored before these weeks: too few for a model"
                                           : "no lines are stored of these weeks, or fewer than %d before them",
                                 MODEL_LINES_MIN);
        if (settings->json)
                print_json(&evaluation);
        else
                print_table(&evaluation);
        if (too_early && !settings->json)
                (void)printf("\n%zu weeks are left out: fewer than %d lines are stored before them\n", too_early,
                             MODEL_LINES_MIN);
        return 0;
}
