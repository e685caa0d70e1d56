/* What the steps of a run go over: words of the job file, or the output of a command. The items are in state.db before
 * the first of them is begun ("run/RUN_ID/items/STEP" in settings, until the run ends), and with them which steps the
 * run has, since an item that has not begun has no row. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cri.h"
#include "engine_internal.h"
#include "errortext.h"
#include "fileutil.h"
#include "log.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* Of a lister's log: as much as the longest list takes with what stands before each line, and some for what else it
 * says. */
#define LOG_MAX ((size_t)12 * 1024 * 1024)

static const struct step *first_step(const struct run *run, size_t list) {
        return run->plan.steps[run->plan.lists[list].members[0]].step;
}

static void keep_items(struct run *run, size_t list, const struct item_list *items) {
        _cleanup_free_ char *key = xasprintf("run/%s/items/%s", run->record.run_id, first_step(run, list)->name);
        _cleanup_free_ char *text = item_list_to_text(items);

        store_batch_put_setting(decisions_batch(run->engine), key, text);
}

static void keep_steps(struct run *run) {
        _cleanup_free_ char *key = xasprintf("run/%s/steps", run->record.run_id), *text = NULL;
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < run->plan.n_steps; i++)
                strv_append(&names, run->plan.steps[i].step->name);
        text = strv_join(names, "\n");
        store_batch_put_setting(decisions_batch(run->engine), key, text);
}

void run_drop_items(struct run *run) {
        _cleanup_free_ char *prefix = xasprintf("run/%s/", run->record.run_id);

        if (run->plan.n_lists > 0)
                store_batch_drop_settings(decisions_batch(run->engine), prefix);
}

static void note(struct run *run, char *text) {
        if (!run->record.notes)
                run->record.notes = jval_array();
        jval_add(run->record.notes, jval_string(text));
        free(text);
        run_mark(run);
}

void run_take_items(struct run *run, size_t list, struct item_list *items, size_t dropped, struct effects *effects) {
        const char *step = first_step(run, list)->name;

        if (dropped > 0) {
                _cleanup_free_ char *text = xasprintf("%zu items were named more than once and run once", dropped);

                run_add_warning(run, step, "", "items", text);
                run_mark(run);
        }
        if (items->n == 0)
                note(run, xasprintf("step %s: there are no items, so there was nothing to do", step));
        keep_items(run, list, items);
        (void)run_machine_add_items(&run->machine, list, items, effects);
        run_add_tasks(run);
}

/* 1: *ret is filled; 0: a parameter in the words has no value yet, and may get one. */
static int read_words(const struct run *run, size_t list, bool is_last_call, struct item_list *ret, size_t *ret_dropped,
                      char **ret_error) {
        bool open;
        _cleanup_strv_ char **words = words_substitute(first_step(run, list)->for_each, run->record.parameters, &open);
        _cleanup_free_ char *why = NULL;
        size_t dropped;
        int r;

        if (open && !is_last_call)
                return 0;
        r = item_list_from_words(ret, words, &dropped, &why);
        if (r < 0)
                return error_set(ret_error, r, "ForEach= of step %s: %s", first_step(run, list)->name, why);
        if (ret_dropped)
                *ret_dropped = dropped;
        return 1;
}

int run_check_items(const struct run *run, char **ret_error) {
        for (size_t i = 0; i < run->plan.n_lists; i++) {
                _cleanup_item_list_ struct item_list items = {0};
                int r = run->plan.lists[i].lister ? 0 : read_words(run, i, false, &items, NULL, ret_error);

                if (r < 0)
                        return r;
        }
        return 0;
}

void run_find_items(struct run *run, struct effects *effects) {
        if (run->plan.n_lists > 0)
                keep_steps(run);
        for (size_t i = 0; i < run->plan.n_lists; i++) {
                _cleanup_item_list_ struct item_list items = {0};
                size_t dropped;

                /* A retry has brought its own. */
                if (run->machine.lists[i].state == LIST_KNOWN)
                        continue;
                if (!run->plan.lists[i].lister && read_words(run, i, false, &items, &dropped, NULL) > 0)
                        run_take_items(run, i, &items, dropped, effects);
        }
}

void run_find_list(struct run *run, size_t list) {
        struct effects effects = {0};
        _cleanup_item_list_ struct item_list items = {0};
        _cleanup_free_ char *error = NULL;
        size_t dropped = 0;

        if (read_words(run, list, true, &items, &dropped, &error) < 0)
                (void)run_machine_items_failed(&run->machine, list, error, &effects);
        else
                run_take_items(run, list, &items, dropped, &effects);
        run_apply(run, &effects);
}

/* What the command wrote to its standard output; what it wrote to the other is talk. */
static int read_output(const char *path, struct buf *out) {
        _cleanup_free_ char *text = NULL;
        struct cri_line line;
        size_t len = 0, at = 0;
        int r = read_file(path, LOG_MAX, &text, &len);

        while (r == 0 && at < len) {
                int found = cri_parse(text + at, len - at, &line);

                if (found == 0)
                        break;
                at += line.size;
                if (found < 0 || line.is_stderr)
                        continue;
                r = buf_append(out, line.text, line.len);
                if (r == 0 && !line.is_partial)
                        r = buf_append_char(out, '\n');
        }
        return r;
}

bool task_take_items(struct task_run *task, struct effects *effects, char **ret_error) {
        struct run *run = task->run;
        size_t list = run->plan.steps[run->machine.tasks[task->index].plan_index].list, dropped;
        _cleanup_free_ char *path = task_log_path(task);
        _cleanup_buf_ struct buf text = BUF_INIT(LOG_MAX);
        _cleanup_item_list_ struct item_list items = {0};
        int r = read_output(path, &text);

        if (r == -E2BIG) {
                (void)error_set(ret_error, r, "the command says far more than a list of %zu items takes", ITEMS_MAX);
                return false;
        }
        if (r < 0) {
                (void)error_set(ret_error, r, "its output %s cannot be read: %s", path, strerror(-r));
                return false;
        }
        if (item_list_from_text(&items, buf_data(&text), text.len, &dropped, ret_error) < 0)
                return false;
        run_take_items(run, list, &items, dropped, effects);
        return true;
}

char **run_load_steps(struct engine *engine, const char *run_id) {
        _cleanup_free_ char *key = xasprintf("run/%s/steps", run_id), *text = NULL;

        return store_load_setting(engine->store, key, &text) == 0 ? strv_split(text, "\n") : NULL;
}

int run_restore_items(struct run *run) {
        struct effects effects = {0};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < run->plan.n_lists; i++) {
                _cleanup_free_ char *key = xasprintf("run/%s/items/%s", run->record.run_id, first_step(run, i)->name);
                _cleanup_free_ char *text = NULL;
                struct item_list items;
                size_t dropped;

                r = store_load_setting(run->engine->store, key, &text);
                if (r == -ENOENT) {
                        r = 0;
                        continue;
                }
                if (r == 0)
                        r = item_list_from_text(&items, text, strlen(text), &dropped, NULL);
                if (r == 0)
                        (void)run_machine_add_items(&run->machine, i, &items, &effects);
        }
        run_add_tasks(run);
        effects_done(&effects);
        return r;
}

static void pace_due(void *user) {
        struct run_pace *pace = user;
        struct effects effects = {0};

        (void)run_machine_pace_due(&pace->run->machine, pace->plan_index, &effects);
        run_apply(pace->run, &effects);
}

void run_arm_pace(struct run *run, size_t plan_index, usec_t delay) {
        struct run_pace *pace;

        if (!run->paces)
                run->paces = xcalloc(run->plan.n_steps, sizeof(*run->paces));
        pace = &run->paces[plan_index];
        pace->run = run;
        pace->plan_index = plan_index;
        if (!pace->timer && loop_timer_new(run->engine->loop, &pace->timer, pace_due, pace) < 0)
                decisions_after_commit(run->engine, pace_due, pace); /* rather too early than never */
        else
                loop_timer_arm(pace->timer, delay);
}

void run_free_paces(struct run *run) {
        for (size_t i = 0; run->paces && i < run->plan.n_steps; i++)
                run->paces[i].timer = loop_timer_free(run->paces[i].timer);
        free(run->paces);
        run->paces = NULL;
}
