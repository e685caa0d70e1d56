/* The heap of due times against a plain search, and schedules over reloads and clocks that are set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "due_heap.h"
#include "schedule_set.h"
#include "xalloc.h"

#define NODES 500
#define MONDAY (UINT64_C(1767571200) * USEC_PER_SEC)
#define HOUR USEC_PER_HOUR

static const struct due_node *least_of(const struct due_node *nodes) {
        const struct due_node *least = NULL;

        for (size_t i = 0; i < NODES; i++)
                if (nodes[i].index > 0 && (!least || nodes[i].at < least->at))
                        least = &nodes[i];
        return least;
}

static void test_heap(void **state) {
        struct due_heap heap = {0};
        struct due_node nodes[NODES] = {0};
        unsigned seed = 1;

        (void)state;
        for (int turn = 0; turn < 20000; turn++) {
                struct due_node *node = &nodes[(unsigned)rand_r(&seed) % NODES];
                const struct due_node *least;

                due_heap_set(&heap, node, rand_r(&seed) % 4 == 0 ? USEC_INFINITY : (usec_t)rand_r(&seed) % 1000);
                least = least_of(nodes);
                if (!least)
                        assert_null(due_heap_first(&heap));
                else
                        assert_int_equal(due_heap_first(&heap)->at, least->at);
                for (size_t i = 0; i < heap.count; i++)
                        assert_int_equal(heap.nodes[i]->index, i + 1);
        }
        due_heap_done(&heap);
}

struct world {
        char folder[32];
        struct job_registry registry;
        struct schedule_set set;
};

static void write_job(struct world *world, const char *name, const char *keys) {
        char path[128];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s.job", world->folder, name);
        file = fopen(path, "we");
        assert_non_null(file);
        (void)fprintf(file, "[Job]\n%s\n[Step work]\nExec=/bin/true\n", keys);
        (void)fclose(file);
}

static void load(struct world *world) {
        struct diagnostics diagnostics = {0};

        job_registry_load(&world->registry, &diagnostics);
        assert_int_equal(diagnostics.n_errors, 0);
        diagnostics_done(&diagnostics);
        schedule_set_take(&world->set, &world->registry, "instance");
}

static int setup(void **state) {
        struct world *world = NEW(struct world);
        char *folders[2] = {world->folder, NULL};

        (void)strcpy(world->folder, "/tmp/test-set-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        job_registry_init(&world->registry, folders);
        *state = world;
        return 0;
}

static int teardown(void **state) {
        struct world *world = *state;
        static const char *const names[] = {"a", "b", "c"};
        char path[128];

        for (size_t i = 0; i < 3; i++) {
                (void)snprintf(path, sizeof(path), "%s/%s.job", world->folder, names[i]);
                (void)unlink(path);
        }
        (void)rmdir(world->folder);
        schedule_set_done(&world->set);
        job_registry_done(&world->registry);
        free(world);
        return 0;
}

static void test_set(void **state) {
        struct world *world = *state;
        struct schedule *a, *b;

        write_job(world, "a", "OnCalendar=06:00 UTC");
        write_job(world, "b", "OnCalendar=05:00\nTimeZone=UTC");
        write_job(world, "c", "");
        load(world);
        assert_int_equal(world->set.count, 2);
        assert_null(schedule_set_find(&world->set, "c"));
        a = schedule_set_find(&world->set, "a");
        b = schedule_set_find(&world->set, "b");
        assert_true(a->unplaced);
        assert_null(schedule_set_first(&world->set));
        schedule_place(&world->set, a, MONDAY);
        schedule_place(&world->set, b, MONDAY);
        assert_ptr_equal(schedule_set_first(&world->set), b);
        assert_int_equal(b->node.at, MONDAY + 5 * HOUR);
        schedule_place(&world->set, b, MONDAY + 5 * HOUR);
        assert_ptr_equal(schedule_set_first(&world->set), a);
        /* What waits for a run is not due. */
        a->waiting = true;
        schedule_place(&world->set, a, MONDAY);
        assert_ptr_equal(schedule_set_first(&world->set), b);
}

static void test_reload(void **state) {
        struct world *world = *state;

        write_job(world, "a", "OnCalendar=06:00 UTC");
        write_job(world, "b", "OnCalendar=05:00 UTC");
        load(world);
        schedule_place(&world->set, schedule_set_find(&world->set, "a"), MONDAY);
        schedule_place(&world->set, schedule_set_find(&world->set, "b"), MONDAY);
        /* What does not move a due time does not begin anew. */
        write_job(world, "a", "OnCalendar=06:00 UTC\nPersistent=all\nDescription=other");
        write_job(world, "b", "OnCalendar=04:00 UTC");
        load(world);
        assert_false(schedule_set_find(&world->set, "a")->unplaced);
        assert_int_equal(schedule_set_find(&world->set, "a")->next, MONDAY + 6 * HOUR);
        assert_int_equal(schedule_set_find(&world->set, "a")->job->persistent, PERSISTENT_ALL);
        assert_true(schedule_set_find(&world->set, "b")->unplaced);
}

static void test_clock(void **state) {
        struct world *world = *state;
        struct schedule *a;

        write_job(world, "a", "OnCalendar=06:00 UTC");
        load(world);
        a = schedule_set_find(&world->set, "a");
        schedule_place(&world->set, a, MONDAY + 6 * HOUR);
        /* Some hours back: what has its record does not come again. */
        schedule_set_clock(&world->set, MONDAY + 5 * HOUR);
        assert_int_equal(a->next, MONDAY + 30 * HOUR);
        /* A year ahead, and back: the due times of that year come. */
        schedule_place(&world->set, a, MONDAY + 365 * 24 * HOUR + 6 * HOUR);
        schedule_set_clock(&world->set, MONDAY + 7 * HOUR);
        assert_int_equal(a->next, MONDAY + 30 * HOUR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_heap),
                cmocka_unit_test_setup_teardown(test_set, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
                cmocka_unit_test_setup_teardown(test_clock, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
