/* Decide, make durable, act: what the callbacks of one pass of the loop decide becomes one transaction, and what
 * follows from it is done when that is on disk. */
#include <stdlib.h>

#include "engine_internal.h"
#include "nested_steps.h"
#include "xalloc.h"

/* When the store's queue is full, decisions wait in memory and are offered again; they only merge, so this is bounded
 * by what is active. */
#define RETRY_DELAY (100 * USEC_PER_MSEC)

struct store_batch *decisions_batch(struct engine *engine) {
        if (!engine->decisions.batch)
                engine->decisions.batch = store_batch_new();
        return engine->decisions.batch;
}

void decisions_after_commit(struct engine *engine, void (*fn)(void *user), void *user) {
        struct commit *commit = engine->decisions.commit;

        if (!commit) {
                commit = engine->decisions.commit = NEW(struct commit);
                commit->engine = engine;
        }
        GROW(commit->calls, commit->count, commit->capacity);
        commit->calls[commit->count++] = (struct effect_call){fn, user};
}

/* The store closes before it is told. */
static void commit_release(void *user) {
        struct commit *commit = user;

        free(commit->calls);
        free(commit);
}

static void commit_done(void *user) {
        struct commit *commit = user;
        struct engine *engine = commit->engine;

        engine->commits_in_flight--;
        act_tell_unrecorded(engine);
        for (size_t i = 0; i < commit->count; i++)
                commit->calls[i].fn(commit->calls[i].user);
        commit_release(commit);
        if (engine->mirror)
                mirror_poke(engine->mirror);
        if (engine->config.changed)
                engine->config.changed(engine->config.changed_user);
}

static void put_task(struct task_run *task) {
        _cleanup_free_ char *log = NULL;

        task->dirty = task->has_reported = false;
        task->record.version++;
        task->record.updated_at = now_realtime();
        if (step_status_is_final(task->record.status) && task->record.log_path)
                log = task_log_path(task);
        store_batch_put_attempt(decisions_batch(task->run->engine), &task->record, log);
        nested_put(task);
}

/* Reports change attempt and run together, and wait for the next decision to be written. Then both are: an attempt that
 * is recorded as ended is never asked for its reports again. */
static void put_changes(struct run *run) {
        struct task_run *task = run->unwritten;

        run->dirty = run->dirty || (run->has_reported && run->has_dirty_task);
        if (!run->dirty && !run->has_dirty_task)
                return;
        run->unwritten = NULL;
        run->has_dirty_task = false;
        for (struct task_run *next; task; task = next) {
                next = task->next_unwritten;
                task->is_unwritten = false;
                if (task->dirty || run->dirty)
                        put_task(task);
                else
                        task_note_unwritten(task);
        }
        if (run->dirty) {
                run->dirty = run->has_reported = false;
                run->record.version++;
                store_batch_put_run(decisions_batch(run->engine), &run->record);
        }
}

/* What only depends on what is already durable need not wait for the disk. True when calls were made; they may have
 * decided more. */
static bool call_at_once(struct engine *engine) {
        struct commit *commit = engine->decisions.commit;

        if (engine->decisions.batch || !commit || engine->commits_in_flight > 0)
                return false;
        engine->decisions.commit = NULL;
        engine->commits_in_flight++;
        commit_done(commit);
        return true;
}

void decisions_flush(void *user) {
        struct engine *engine = user;
        struct decisions *decisions = &engine->decisions;

        do {
                starts_settle(engine);
                for (struct run *run = engine->runs; run; run = run->next)
                        put_changes(run);
        } while (call_at_once(engine));
        if (!decisions->batch && !decisions->commit)
                return;
        (void)decisions_batch(engine);
        sweep_put_counted(engine);
        if (!decisions->commit) {
                decisions->commit = NEW(struct commit);
                decisions->commit->engine = engine;
        }
        store_batch_on_release(decisions->batch, commit_release);
        if (store_submit(engine->store, decisions->batch, commit_done, decisions->commit) < 0) {
                store_batch_on_release(decisions->batch, NULL);
                loop_timer_arm(engine->flush_timer, RETRY_DELAY);
                return;
        }
        engine->commits_in_flight++;
        decisions->batch = NULL;
        decisions->commit = NULL;
}

void decisions_drop(struct engine *engine) {
        (void)store_batch_free(engine->decisions.batch);
        if (engine->decisions.commit)
                commit_release(engine->decisions.commit);
}
