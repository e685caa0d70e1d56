#include "training.h"

#include <errno.h>
#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "evaluation.h"
#include "log.h"
#include "model.h"
#include "step_report.h"
#include "store_history.h"

/* The weeks at the end of the range that test it, each foretold from those before it. */
#define TEST_WEEKS 10

static struct week week_of(int32_t order) {
        return (struct week){
                .season = order_season(order), .week = order % 32, .type = order / 32 % 2 ? SEASON_POST : SEASON_REG};
}

/* The order of the week with which the last TEST_WEEKS of the first n examples begin. */
static int32_t test_start(const struct examples *examples, size_t n) {
        int32_t order = examples->examples[n - 1].line->order;
        int weeks = 1;
        for (size_t i = n; i-- > 0 && weeks <= TEST_WEEKS;) {
                if (examples->examples[i].line->order == order)
                        continue;
                if (++weeks <= TEST_WEEKS)
                        order = examples->examples[i].line->order;
        }
        return order;
}

int training_run(const struct examples *examples, size_t n, const struct week *week, struct stored_model *ret,
                 char **ret_error) {
        struct stored_model model = {.lines = n};
        int r = model_train(examples, n, &model.regression);
        if (r < 0)
                return error_set(
                        ret_error, NFL_DATA,
                        "%zu lines of receivers and tight ends before week %d, season %d %s, are too few for a "
                        "model: %d are needed, with and without touchdowns; bring in past seasons "
                        "(`batch-nfl game-logs --season`)",
                        n, week->week, week->season, season_type_name(week->type), MODEL_LINES_MIN);
        size_t too_early;
        int32_t last = examples->examples[n - 1].line->order;
        struct evaluation tested = evaluation_run(examples, test_start(examples, n), last, &too_early);
        model.test = tested.ways[WAY_MODEL];
        model.first = week_of(examples->examples[0].line->order);
        model.last = week_of(last);
        for (size_t i = 0; i < n; i++)
                model.scored += line_scored(examples->examples[i].line);
        *ret = model;
        return 0;
}

static int train_first(struct worker *worker, const struct week *week, struct stored_model *ret, bool *ret_found,
                       char **ret_error) {
        _cleanup_(history_done) struct history history = {0};
        _cleanup_(examples_done) struct examples examples = {0};
        int r = history_load(worker->db, week, HISTORY_SEASONS, false, &history, ret_error);
        if (r < 0)
                return r;
        examples = examples_make(history.lines, history.n);
        *ret_found = training_run(&examples, examples.n, week, ret, NULL) == 0;
        if (!*ret_found)
                return 0;
        r = model_insert(worker->db, ret, worker->settings->now, ret_error);
        if (r == 0)
                training_say(ret);
        return r;
}

int training_ensure(struct worker *worker, const struct week *week, struct stored_model *ret, bool *ret_found,
                    char **ret_error) {
        int r = model_find(worker->db, week, ret, ret_found, ret_error);
        return r < 0 || *ret_found ? r : train_first(worker, week, ret, ret_found, ret_error);
}

void training_say(const struct stored_model *model) {
        log_info("%s: trained on %zu lines (%zu with a touchdown) from week %d, season %d %s, to week %d, season %d %s",
                 model->version, model->lines, model->scored, model->first.week, model->first.season,
                 season_type_name(model->first.type), model->last.week, model->last.season,
                 season_type_name(model->last.type));
        if (model->test.n == 0)
                report_note("%s could not be tested: there are too few weeks", model->version);
        else
                log_info("tested on its last weeks, each foretold from those before: %zu lines, log loss %.4f, Brier "
                         "score %.4f, AUC %.4f",
                         model->test.n, model->test.log_loss, model->test.brier, model->test.auc);
}
