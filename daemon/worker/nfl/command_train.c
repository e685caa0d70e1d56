/* batch-nfl train: a model from every line before the week, stored with what it is and how good it was. */
#include "step_report.h"
#include "store_history.h"
#include "store_week.h"
#include "training.h"
#include "worker.h"

int command_train(struct worker *worker, char **ret_error) {
        _cleanup_(history_done) struct history history = {0};
        _cleanup_(examples_done) struct examples examples = {0};
        struct stored_model model;
        struct week week;
        int r = week_resolve(worker, &week, ret_error);
        if (r < 0)
                return r;
        report_status("training before week %d, season %d %s", week.week, week.season, season_type_name(week.type));
        r = db_begin(worker->db, ret_error);
        r = r < 0 ? r : history_load(worker->db, &week, HISTORY_SEASONS, false, &history, ret_error);
        if (r == 0) {
                examples = examples_make(history.lines, history.n);
                r = training_run(&examples, examples.n, &week, &model, ret_error);
        }
        r = r < 0 ? r : model_insert(worker->db, &model, worker->settings->now, ret_error);
        r = r < 0 ? r : db_commit(worker->db, ret_error);
        if (r < 0) {
                db_rollback(worker->db);
                return r;
        }
        report_records((int64_t)model.lines, 1);
        training_say(&model);
        return 0;
}
