/* schedule.list: what became of due times past, and those ahead. */
#include <stdlib.h>

#include "answer.h"
#include "engine_internal.h"
#include "pause.h"
#include "schedule_set.h"
#include "scheduler.h"
#include "strutil.h"
#include "xalloc.h"

#define COUNT_DEFAULT 20

/* A schedule whose due times ahead are being listed; the node holds the next of them. */
struct ahead {
        struct due_node node;
        const struct schedule *schedule;
        enum zone_local_kind kind;
};

static void advance(struct due_heap *heap, struct ahead *ahead, usec_t after) {
        usec_t next;

        due_heap_set(heap, &ahead->node,
                     due_next(&ahead->schedule->due, after, &next, &ahead->kind) == 0 ? next : USEC_INFINITY);
}

static struct jval *ahead_json(const struct engine *engine, const struct ahead *ahead) {
        const struct schedule *schedule = ahead->schedule;
        struct jval *due = jval_object();

        jval_set_str(due, "job", schedule->job->name);
        jval_set_time(due, "due_at", ahead->node.at);
        jval_set(due, "outcome", jval_null());
        jval_set_bool(due, "paused", pause_of_job(engine, schedule->job->name) != NULL);
        if (schedule->due.randomized_delay > 0)
                jval_set_time(due, "starts_at", due_fires_at(&schedule->due, ahead->node.at));
        due_set_local(due, &schedule->due, ahead->node.at, ahead->kind);
        return due;
}

/* Due times after `after`, of one job or of all, as many as the list has room for. */
static void append_ahead(struct engine *engine, const char *job, usec_t after, size_t count, struct jval *list) {
        const struct schedule_set *set = scheduler_set(engine->scheduler);
        struct ahead *items = xcalloc(set->count + 1, sizeof(*items));
        struct due_heap heap = {0};
        struct ahead *first;

        for (size_t i = 0; i < set->count; i++) {
                if (job && !streq(set->items[i]->job->name, job))
                        continue;
                items[i].schedule = set->items[i];
                /* What has its record is not ahead. */
                advance(&heap, &items[i], MAX(after, set->items[i]->cursor));
        }
        while (jval_array_size(list) < count && (first = (struct ahead *)(void *)due_heap_first(&heap))) {
                jval_add(list, ahead_json(engine, first));
                advance(&heap, first, first->node.at);
        }
        due_heap_done(&heap);
        free(items);
}

static size_t count_of(const struct question *question) {
        return (size_t)jval_get_int(question->params, "count", COUNT_DEFAULT);
}

static void answer(struct question *question, struct jval *list, usec_t from) {
        struct jval *result = jval_object();

        append_ahead(question->engine, jval_get_str(question->params, "job"), from - 1, count_of(question), list);
        jval_set(result, "due_times", list);
        question_answer(question, result);
}

static void past_known(int error, const char *error_text, struct jval *past, void *user) {
        struct question *question = user;
        usec_t from = 0;

        if (error < 0) {
                question_fail_history(question, error, error_text, "due times");
                return;
        }
        (void)parse_rfc3339(jval_get_str(question->params, "from"), &from);
        for (size_t i = 0; i < jval_array_size(past); i++) {
                struct jval *due = jval_at(past, i);
                const struct schedule *schedule = schedule_set_find(scheduler_set(question->engine->scheduler),
                                                                    str_or(jval_get_str(due, "job"), ""));
                usec_t at;

                if (schedule && parse_rfc3339(str_or(jval_get_str(due, "due_at"), ""), &at) == 0)
                        due_set_local(due, &schedule->due, at, ZONE_LOCAL_ONCE);
        }
        answer(question, past, MAX(from, (usec_t)1));
}

void engine_schedule_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        const char *job = jval_get_str(params, "job"), *text = jval_get_str(params, "from");
        const char *near =
                job && !job_registry_find(&engine->jobs, job) ? job_registry_suggest(&engine->jobs, job) : NULL;
        usec_t now = now_realtime(), from = now;
        int r;

        if (job && !job_registry_find(&engine->jobs, job)) {
                question_fail(question, ERROR_KIND_NOT_FOUND, "there is no job %s%s%s%s", job,
                              near ? "; did you mean " : "; see: batchctl list", str_or(near, ""), near ? "?" : "");
                return;
        }
        if (text)
                (void)parse_rfc3339(text, &from);
        if (from >= now) {
                answer(question, jval_array(), MAX(from, (usec_t)1));
                return;
        }
        r = history_due_times(engine->history, job, from, now, (unsigned)count_of(question), past_known, question);
        if (r < 0)
                question_fail_history(question, r, NULL, "due times");
}
