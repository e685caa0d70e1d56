/* For the tests of daemon/state: a store in a folder of its own, records to put into it, and waiting for the loop. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fileutil.h"
#include "loop.h"
#include "record.h"
#include "store.h"
#include "xalloc.h"

#define START ((usec_t)1795348800 * USEC_PER_SEC) /* 2026-11-22T12:00:00Z */

struct fixture {
        struct loop *loop;
        struct store *store;
        struct loop_timer *timer;
        char *folder;
        bool timed_out;
        unsigned waiting; /* for batches to be durable */
};

static void fixture_timeout(void *user) {
        struct fixture *fixture = user;

        fixture->timed_out = true;
        loop_exit(fixture->loop, 0);
}

static inline void fixture_open_store(struct fixture *fixture) {
        char *error = NULL;

        if (store_open(&fixture->store, fixture->loop, fixture->folder, &error) < 0)
                fail_msg("%s", error);
}

static inline int fixture_setup(void **state) {
        struct fixture *fixture = NEW(struct fixture);

        fixture->folder = xstrdup("/tmp/test_state.XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        assert_int_equal(loop_new(&fixture->loop), 0);
        assert_int_equal(loop_timer_new(fixture->loop, &fixture->timer, fixture_timeout, fixture), 0);
        fixture_open_store(fixture);
        *state = fixture;
        return 0;
}

static inline int fixture_teardown(void **state) {
        struct fixture *fixture = *state;

        fixture->store = store_close(fixture->store);
        fixture->timer = loop_timer_free(fixture->timer);
        fixture->loop = loop_free(fixture->loop);
        (void)remove_tree(fixture->folder);
        free(fixture->folder);
        free(fixture);
        return 0;
}

/* Runs the loop until something calls loop_exit; false when the time passed first. */
static inline bool fixture_run(struct fixture *fixture, usec_t patience) {
        fixture->timed_out = false;
        loop_timer_arm(fixture->timer, patience);
        assert_int_equal(loop_run(fixture->loop), 0);
        loop_timer_disarm(fixture->timer);
        return !fixture->timed_out;
}

static void fixture_durable(void *user) {
        struct fixture *fixture = user;

        if (--fixture->waiting == 0)
                loop_exit(fixture->loop, 0);
}

static inline void fixture_submit(struct fixture *fixture, struct store_batch *batch) {
        fixture->waiting++;
        assert_int_equal(store_submit(fixture->store, batch, fixture_durable, fixture), 0);
}

static inline void fixture_commit(struct fixture *fixture, struct store_batch *batch) {
        fixture_submit(fixture, batch);
        assert_true(fixture_run(fixture, 10 * USEC_PER_SEC));
}

/* "00000012-0000-4000-8000-000000000000" for 12 */
static inline void fixture_id(int64_t number, char ret[static UUID_SIZE]) {
        (void)snprintf(ret, UUID_SIZE, "%08llx-0000-4000-8000-000000000000", (unsigned long long)number);
}

/* To be changed before it is put, and ended with run_record_done. */
static inline struct run_record fixture_run_record(int64_t number, const char *job, enum run_status status) {
        struct run_record record = {
                .run_number = number,
                .job = xstrdup(job),
                .batch_type = xstrdup(job),
                .batch_mode = xstrdup("full"),
                .triggered_by = TRIGGER_MANUAL,
                .triggered_by_user = xstrdup("ada"),
                .status = status,
                .created_at = START + (usec_t)number * USEC_PER_SEC,
                .duration_usec = -1,
                .parameters = jval_object(),
                .version = 1,
        };

        fixture_id(number, record.run_id);
        return record;
}

static inline struct attempt_record fixture_attempt_record(int64_t run, const char *step, int attempt,
                                                           enum step_status status) {
        struct attempt_record record = {
                .step_name = xstrdup(step),
                .item = xstrdup(""),
                .attempt = attempt,
                .step_order = 1,
                .ordinal = attempt,
                .number = run * 10 + attempt,
                .status = status,
                .created_at = START,
                .duration_usec = -1,
                .records_processed = -1,
                .exit_status = -1,
                .version = 1,
        };

        fixture_id(run, record.run_id);
        return record;
}
