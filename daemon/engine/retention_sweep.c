/* A sweep: leftovers of an earlier daemon (once), then page by page the ended runs that go: their rows in a commit,
 * their folders after it, on the reader's thread. Nothing here is on the way of a run. */
#include "retention_sweep.h"

#include <errno.h>
#include <string.h>

#include "engine_internal.h"
#include "log.h"
#include "strutil.h"
#include "xalloc.h"

#define FIRST_SWEEP (1 * USEC_PER_SEC)
#define SWEEP_INTERVAL (10 * USEC_PER_MINUTE)
#define SWEEP_AFTER_RUNS 100
#define LEFTOVERS_MAX 32
#define TIDYING_WAIT (100 * USEC_PER_MSEC)
/* A commit takes what has been counted along; when this much waits it gets one of its own. */
#define COUNTED_MAX 64
#define AUDIT_PER_RUN 10
/* A clock that went elsewhere by more than this against the boot clock says nothing about ages for a while. */
#define CLOCK_JUMP (5 * USEC_PER_MINUTE)
#define CLOCK_DISTRUST USEC_PER_DAY

static struct sweep *sweep_of(struct engine *engine) {
        return &engine->sweep;
}

static int64_t clock_offset(void) {
        return (int64_t)now_realtime() - (int64_t)now_boottime();
}

/* The wall clock for ages, or 0. */
static usec_t trusted_now(struct engine *engine) {
        struct sweep *sweep = sweep_of(engine);
        int64_t offset = clock_offset(), moved = offset - sweep->clock_offset;

        sweep->clock_offset = offset;
        if (moved > (int64_t)CLOCK_JUMP || moved < -(int64_t)CLOCK_JUMP) {
                sweep->clock_trusted_at = now_boottime() + CLOCK_DISTRUST;
                log_warning("the clock jumped by %lld s: for a day no run is removed for its age",
                            (long long)(moved / (int64_t)USEC_PER_SEC));
        }
        return now_boottime() < sweep->clock_trusted_at ? 0 : now_realtime();
}

static struct jval *keep_json(const struct keep *keep) {
        struct jval *object = jval_object();

        jval_set_int(object, "age", (int64_t)keep->age);
        jval_set_int(object, "runs", (int64_t)keep->runs);
        jval_set_int(object, "bytes", (int64_t)keep->bytes);
        return object;
}

static struct jval *rules_of(struct engine *engine, usec_t now) {
        struct jval *rules = jval_object(), *jobs = jval_object();

        for (size_t i = 0; i < engine->jobs.count; i++)
                if (engine->jobs.entries[i].job)
                        jval_set(jobs, engine->jobs.entries[i].name, keep_json(&engine->jobs.entries[i].job->keep));
        jval_set(rules, "all", keep_json(&engine->config.keep));
        jval_set(rules, "jobs", jobs);
        jval_set_int(rules, "now", (int64_t)now);
        jval_set_bool(rules, "mirrored", engine->mirror != NULL);
        return rules;
}

static void rest(struct engine *engine) {
        struct sweep *sweep = sweep_of(engine);
        bool again = sweep->again;

        sweep->active = sweep->again = false;
        loop_timer_arm(sweep->timer, again ? 0 : SWEEP_INTERVAL);
}

static bool failed(struct engine *engine, int error, const char *text) {
        if (error == 0)
                return false;
        sweep_of(engine)->leftovers_done = false;
        log_warning("what Keep= lets go cannot be removed now, and is tried again in %d minutes: %s",
                    (int)(SWEEP_INTERVAL / USEC_PER_MINUTE), str_or(text, strerror(-error)));
        rest(engine);
        return true;
}

/* What was counted, tidied: asks for the page that goes. */
static void look(struct engine *engine);

static void folders_removed(int error, const char *text, struct jval *answer, void *user) {
        struct engine *engine = user;

        if (answer)
                jval_unref(answer);
        if (failed(engine, error, text))
                return;
        if (sweep_of(engine)->more)
                look(engine);
        else
                rest(engine);
}

static void rows_removed(void *user) {
        struct engine *engine = user;
        struct jval *going = sweep_of(engine)->going;

        sweep_of(engine)->going = NULL;
        int r = history_remove_folders(engine->history, going, folders_removed, engine);
        jval_unref(going);
        (void)failed(engine, r, "too many questions wait");
}

static void put_purge(struct engine *engine, usec_t now) {
        const struct keep *keep = &engine->config.keep;
        _cleanup_jval_ struct jval *definitions = jval_array();
        uint64_t rows = keep->runs > UINT64_MAX / AUDIT_PER_RUN ? UINT64_MAX : keep->runs * AUDIT_PER_RUN;

        for (size_t i = 0; i < engine->jobs.count; i++)
                if (engine->jobs.entries[i].job)
                        jval_add(definitions, jval_string(engine->jobs.entries[i].job->definition_hash));
        store_batch_purge(decisions_batch(engine), now > keep->age ? now - keep->age : 0, rows, engine->mirror != NULL,
                          definitions);
}

static void found_superfluous(int error, const char *text, struct jval *answer, void *user) {
        struct engine *engine = user;
        struct sweep *sweep = sweep_of(engine);
        const struct jval *runs = jval_get(answer, "runs");

        if (failed(engine, error, text))
                return;
        sweep->more = jval_get_bool(answer, "more", false);
        sweep->going = jval_array();
        for (size_t i = 0; i < jval_array_size(runs); i++) {
                const struct jval *run = jval_at(runs, i);

                store_batch_remove_run(decisions_batch(engine), jval_get_int(run, "run_number", 0),
                                       engine->mirror != NULL);
                jval_add(sweep->going, jval_string(jval_get_str(run, "run_id")));
        }
        if (jval_array_size(runs) > 0)
                log_info("%zu ended runs go, as Keep= says", jval_array_size(runs));
        jval_unref(answer);
        decisions_after_commit(engine, rows_removed, engine);
}

static void look(struct engine *engine) {
        usec_t now = trusted_now(engine);
        _cleanup_jval_ struct jval *rules = rules_of(engine, now);

        sweep_of(engine)->ended = 0;
        put_purge(engine, now);
        (void)failed(engine, history_superfluous(engine->history, rules, found_superfluous, engine),
                     "too many questions wait");
}

static void look_after_commit(void *user) {
        look(user);
}

/* Folders without a row, but for those of runs that are not durable yet. */
static void found_ownerless(int error, const char *text, struct jval *answer, void *user) {
        struct engine *engine = user;
        struct jval *folders = jval_get(answer, "folders"), *going = jval_array();

        if (error == 0)
                for (size_t i = 0; i < jval_array_size(folders); i++)
                        if (!engine_find_run(engine, jval_str(jval_at(folders, i))))
                                jval_add(going, jval_ref(jval_at(folders, i)));
        if (jval_get_int(answer, "unknown", 0) > 0)
                log_warning(
                        "%lld folders in %s/runs hold logs of runs that state.db does not know (was it replaced?): they are left alone",
                        (long long)jval_get_int(answer, "unknown", 0), engine->config.state_dir);
        if (jval_array_size(going) > 0)
                log_notice("%zu folders of runs that are not recorded are removed", jval_array_size(going));
        if (answer)
                jval_unref(answer);
        sweep_of(engine)->more = true;
        if (error == 0 && jval_array_size(going) > 0) {
                error = history_remove_folders(engine->history, going, folders_removed, engine);
                jval_unref(going);
                (void)failed(engine, error, "too many questions wait");
                return;
        }
        jval_unref(going);
        if (!failed(engine, error, text))
                look(engine);
}

static void look_for_ownerless(struct engine *engine) {
        sweep_of(engine)->leftovers_done = true;
        (void)failed(engine, history_ownerless(engine->history, found_ownerless, engine), "too many questions wait");
}

/* Takes answer over. False when the folder could not be tidied. */
static bool take_count(struct engine *engine, int error, struct jval *answer) {
        struct sweep *sweep = sweep_of(engine);

        if (error < 0) {
                if (answer)
                        jval_unref(answer);
                return false;
        }
        if (!sweep->counted)
                sweep->counted = jval_array();
        jval_add(sweep->counted, answer);
        if (jval_array_size(sweep->counted) >= COUNTED_MAX)
                sweep_put_counted(engine);
        return true;
}

static void tidied(int error, const char *text, struct jval *answer, void *user) {
        struct engine *engine = user;

        sweep_of(engine)->tidying--;
        (void)take_count(engine, error, answer);
}

static void next_leftovers(void *user);

/* Of a page of leftovers: the last answer goes on with the next page, as long as pages get done. */
static void leftover_tidied(int error, const char *text, struct jval *answer, void *user) {
        struct engine *engine = user;
        struct sweep *sweep = sweep_of(engine);

        sweep->leftovers_taken += take_count(engine, error, answer);
        if (--sweep->leftovers > 0)
                return;
        if (sweep->leftovers_taken == 0) {
                look_for_ownerless(engine);
                return;
        }
        sweep_put_counted(engine);
        decisions_after_commit(engine, next_leftovers, engine);
}

static bool tidy(struct engine *engine, const char *run_id, int64_t run_number, history_fn fn) {
        _cleanup_free_ char *dir = xasprintf("%s/runs/%s", engine->config.state_dir, run_id);

        return history_tidy_run(engine->history, dir, run_number, fn, engine) == 0;
}

static void found_uncounted(int error, const char *text, struct jval *answer, void *user) {
        struct engine *engine = user;
        struct sweep *sweep = sweep_of(engine);
        struct jval *runs = jval_get(answer, "runs");

        sweep->leftovers = sweep->leftovers_taken = 0;
        for (size_t i = 0; i < jval_array_size(runs) && sweep->leftovers < LEFTOVERS_MAX; i++)
                if (tidy(engine, jval_get_str(jval_at(runs, i), "run_id"),
                         jval_get_int(jval_at(runs, i), "run_number", 0), leftover_tidied))
                        sweep->leftovers++;
        if (answer)
                jval_unref(answer);
        if (sweep->leftovers > 0) /* their answers go on */
                return;
        if (!failed(engine, error, text))
                look_for_ownerless(engine);
}

static void next_leftovers(void *user) {
        struct engine *engine = user;

        (void)failed(engine, history_uncounted(engine->history, found_uncounted, engine), "too many questions wait");
}

static void sweep(void *user) {
        struct engine *engine = user;

        /* What is about to be counted is waited for. */
        if (sweep_of(engine)->tidying > 0) {
                loop_timer_arm(sweep_of(engine)->timer, TIDYING_WAIT);
                return;
        }
        /* While nothing can be recorded nothing is removed. */
        if (engine->stopping || store_trouble(engine->store)) {
                rest(engine);
                return;
        }
        sweep_of(engine)->active = true;
        if (!sweep_of(engine)->leftovers_done) {
                next_leftovers(engine);
                return;
        }
        sweep_put_counted(engine);
        decisions_after_commit(engine, look_after_commit, engine);
}

int sweep_start(struct engine *engine) {
        int r = loop_timer_new(engine->loop, &engine->sweep.timer, sweep, engine);

        if (r < 0)
                return r;
        engine->sweep.clock_offset = clock_offset();
        loop_timer_arm(engine->sweep.timer, FIRST_SWEEP);
        return 0;
}

void sweep_done(struct engine *engine) {
        struct sweep *sweep = sweep_of(engine);

        sweep->timer = loop_timer_free(sweep->timer);
        if (sweep->counted)
                sweep->counted = jval_unref(sweep->counted);
        if (sweep->going)
                sweep->going = jval_unref(sweep->going);
}

void sweep_soon(struct engine *engine) {
        if (sweep_of(engine)->active)
                sweep_of(engine)->again = true;
        else if (sweep_of(engine)->timer)
                loop_timer_arm(sweep_of(engine)->timer, 0);
}

void sweep_run_ended(struct engine *engine, const struct run *run) {
        if (tidy(engine, run->record.run_id, run->record.run_number, tidied))
                sweep_of(engine)->tidying++;
        else /* found again by the next sweep */
                sweep_of(engine)->leftovers_done = false;
        if (++sweep_of(engine)->ended == SWEEP_AFTER_RUNS)
                sweep_soon(engine);
}

void sweep_put_counted(struct engine *engine) {
        struct jval *counted = sweep_of(engine)->counted;

        if (!counted)
                return;
        sweep_of(engine)->counted = NULL;
        for (size_t i = 0; i < jval_array_size(counted); i++)
                store_batch_put_ended_run(decisions_batch(engine), jval_get_int(jval_at(counted, i), "run_number", 0),
                                          jval_get_int(jval_at(counted, i), "bytes", 0));
        jval_unref(counted);
}
