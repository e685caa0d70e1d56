/* The queue of runs that are to start: its order, who waits for whom, and what a new start does. */
#include "unit.h"

#include "macro.h"
#include "start_queue.h"

static struct start_entry queued(int64_t number, enum overlap overlap) {
        return (struct start_entry){.job = "a", .number = number, .overlap = overlap, .queued = true};
}

static struct start_entry running(int64_t number, enum overlap overlap) {
        struct start_entry entry = queued(number, overlap);

        entry.queued = false;
        return entry;
}

static void higher_priorities_go_first_then_older_runs(void **state) {
        struct start_entry low = queued(1, OVERLAP_QUEUE), high = queued(3, OVERLAP_QUEUE),
                           middle = queued(2, OVERLAP_QUEUE);

        high.priority = 5;
        assert_true(start_order(&high, &low) < 0);
        assert_true(start_order(&low, &middle) < 0);
        assert_true(start_order(&middle, &high) > 0);
        assert_int_equal(start_order(&low, &low), 0);
}

static void a_run_waits_for_the_oldest_that_has_begun(void **state) {
        struct start_entry entries[] = {running(1, OVERLAP_QUEUE), running(2, OVERLAP_QUEUE), queued(3, OVERLAP_QUEUE)};

        assert_int_equal(start_blocker(entries, 3, 2), 0);
}

static void runs_of_other_jobs_are_no_matter(void **state) {
        struct start_entry entries[] = {running(1, OVERLAP_QUEUE), queued(2, OVERLAP_QUEUE)};

        entries[0].job = "b";
        assert_int_equal(start_blocker(entries, 2, 1), 2);
}

static void queued_runs_begin_one_after_the_other(void **state) {
        struct start_entry entries[] = {queued(1, OVERLAP_QUEUE), queued(2, OVERLAP_QUEUE), queued(3, OVERLAP_QUEUE),
                                        queued(4, OVERLAP_QUEUE)};

        entries[3].priority = 1;
        assert_int_equal(start_blocker(entries, 4, 3), 4);
        assert_int_equal(start_blocker(entries, 4, 0), 3);
        assert_int_equal(start_blocker(entries, 4, 1), 0);
        assert_int_equal(start_blocker(entries, 4, 2), 1);
}

static void forced_and_allowed_ones_wait_for_nobody(void **state) {
        struct start_entry entries[] = {running(1, OVERLAP_ALLOW), queued(2, OVERLAP_ALLOW), queued(3, OVERLAP_REJECT),
                                        queued(4, OVERLAP_QUEUE)};

        entries[2].beside = true;
        assert_int_equal(start_blocker(entries, 4, 1), 4);
        assert_int_equal(start_blocker(entries, 4, 2), 4);
        /* But others wait for them once they have begun, and only then. */
        assert_int_equal(start_blocker(entries, 4, 3), 0);
        entries[0].job = "b";
        assert_int_equal(start_blocker(entries, 4, 3), 4);
}

static void runs_of_a_group_begin_beside_each_other(void **state) {
        struct start_entry entries[] = {running(2, OVERLAP_REJECT), queued(3, OVERLAP_REJECT),
                                        queued(4, OVERLAP_REJECT)};

        entries[0].group = entries[1].group = 1;
        assert_int_equal(start_blocker(entries, 3, 1), 3);
        assert_int_equal(start_blocker(entries, 3, 2), 0);
        entries[0].group = 7;
        assert_int_equal(start_blocker(entries, 3, 1), 0);
}

static enum start_verdict decide(enum overlap overlap, bool beside, const struct start_entry *entries, size_t n,
                                 size_t *ret_other) {
        struct start_entry fresh = queued(100, overlap);

        fresh.beside = beside;
        return start_decide(&fresh, entries, n, ret_other);
}

static void each_policy_has_its_verdict(void **state) {
        static const struct {
                enum overlap overlap;
                enum start_verdict idle, active, forced;
        } cells[] = {
                {OVERLAP_REJECT, START_ENTERS, START_REFUSED, START_ENTERS},
                {OVERLAP_QUEUE, START_ENTERS, START_ENTERS, START_ENTERS},
                {OVERLAP_REPLACE, START_ENTERS, START_REPLACES, START_ENTERS},
                {OVERLAP_ALLOW, START_ENTERS, START_ENTERS, START_ENTERS},
        };
        struct start_entry waits[] = {queued(8, OVERLAP_QUEUE), queued(9, OVERLAP_QUEUE)};
        struct start_entry other = running(1, OVERLAP_REJECT), foreign = running(2, OVERLAP_REJECT);
        size_t which;

        foreign.job = "b";
        for (size_t i = 0; i < ELEMENTSOF(cells); i++) {
                struct start_entry both[] = {foreign, other};

                assert_int_equal(decide(cells[i].overlap, false, &foreign, 1, &which), cells[i].idle);
                assert_int_equal(which, 1);
                assert_int_equal(decide(cells[i].overlap, false, both, 2, &which), cells[i].active);
                assert_int_equal(which, 1);
                assert_int_equal(decide(cells[i].overlap, true, both, 2, &which), cells[i].forced);
        }
        /* One that only waits is in the way too. */
        assert_int_equal(decide(OVERLAP_REJECT, false, waits, 2, &which), START_REFUSED);
        assert_int_equal(which, 1);
}

static void a_backfill_gives_way(void **state) {
        struct start_entry child = running(5, OVERLAP_REJECT), fresh = queued(6, OVERLAP_REPLACE);
        size_t which;

        child.group = 4;
        assert_int_equal(decide(OVERLAP_REJECT, false, &child, 1, &which), START_ENTERS);
        assert_int_equal(decide(OVERLAP_REPLACE, false, &child, 1, &which), START_ENTERS);
        assert_false(start_replaces(&fresh, &child));
        child.group = 0;
        assert_true(start_replaces(&fresh, &child));
        fresh.beside = true;
        assert_false(start_replaces(&fresh, &child));
        /* And its own runs wait for what runs, whatever the policy. */
        fresh = queued(7, OVERLAP_REJECT);
        fresh.group = 4;
        assert_int_equal(start_decide(&fresh, &child, 1, &which), START_ENTERS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(higher_priorities_go_first_then_older_runs),
                cmocka_unit_test(a_run_waits_for_the_oldest_that_has_begun),
                cmocka_unit_test(runs_of_other_jobs_are_no_matter),
                cmocka_unit_test(queued_runs_begin_one_after_the_other),
                cmocka_unit_test(forced_and_allowed_ones_wait_for_nobody),
                cmocka_unit_test(runs_of_a_group_begin_beside_each_other),
                cmocka_unit_test(each_policy_has_its_verdict),
                cmocka_unit_test(a_backfill_gives_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
