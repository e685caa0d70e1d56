/* Who gets the slots of limits: order, all at once, nobody starved, nobody locked. */
#include "unit.h"

#include "core_fixture.h"
#include "limit_queue.h"
#include "macro.h"

#define MAX_CLAIMS 16

struct world {
        struct limit limits[4];
        struct limit_set set;
        struct limit_use uses[MAX_CLAIMS][3];
        struct limit_uses lists[MAX_CLAIMS];
        size_t n_lists;
};

static struct world new_world(unsigned a, unsigned b) {
        return (struct world){.limits = {{(char *)(uintptr_t) "a", a}, {(char *)(uintptr_t) "b", b}}};
}

/* "a", "a2b", "b3": each limit with its slots, one unless said. */
static const struct limit_uses *uses(struct world *world, const char *text) {
        struct limit_uses *list = &world->lists[world->n_lists];
        struct limit_use *items = world->uses[world->n_lists++];

        world->set = (struct limit_set){world->limits, 2};
        list->items = items;
        for (; *text; text++) {
                unsigned slots = text[1] >= '1' && text[1] <= '9' ? (unsigned)(text[1] - '0') : 1;

                items[list->count++] =
                        (struct limit_use){.name = (char *)(uintptr_t)(*text == 'a' ? "a" : "b"), .slots = slots};
                text += text[1] >= '1' && text[1] <= '9';
        }
        return list;
}

static void settle(struct world *world, const struct limit_claim *holders, size_t n_holders,
                   struct limit_claim *waiters, size_t n_waiters) {
        struct limit_claim *order[MAX_CLAIMS];

        world->set = (struct limit_set){world->limits, 2};
        for (size_t i = 0; i < n_waiters; i++) {
                order[i] = &waiters[i];
                waiters[i].number = (int64_t)i;
        }
        limit_queue_settle(&world->set, holders, n_holders, order, n_waiters);
}

static void slots_go_to_the_oldest_until_they_are_gone(void **state) {
        struct world world = new_world(2, 0);
        struct limit_claim waiters[] = {{.uses = uses(&world, "a"), .since = 3},
                                        {.uses = uses(&world, "a"), .since = 1},
                                        {.uses = uses(&world, "a"), .since = 2}};

        settle(&world, NULL, 0, waiters, 3);
        assert_false(waiters[0].granted);
        assert_string_equal(waiters[0].lacks->name, "a");
        assert_true(waiters[1].granted && waiters[2].granted);
        assert_null(waiters[1].lacks);
}

static void a_higher_priority_goes_before_age(void **state) {
        struct world world = new_world(1, 0);
        struct limit_claim waiters[] = {{.uses = uses(&world, "a"), .since = 1},
                                        {.uses = uses(&world, "a"), .since = 2, .priority = 1}};

        settle(&world, NULL, 0, waiters, 2);
        assert_false(waiters[0].granted);
        assert_true(waiters[1].granted);
}

static void what_is_held_counts(void **state) {
        struct world world = new_world(3, 0);
        struct limit_claim holder = {.uses = uses(&world, "a2")};
        struct limit_claim waiters[] = {{.uses = uses(&world, "a"), .since = 1},
                                        {.uses = uses(&world, "a"), .since = 2}};

        assert_int_equal(limit_queue_used("a", &holder, 1), 2);
        assert_int_equal(limit_queue_used("b", &holder, 1), 0);
        settle(&world, &holder, 1, waiters, 2);
        assert_true(waiters[0].granted);
        assert_false(waiters[1].granted);
}

static void all_are_taken_at_once_or_none(void **state) {
        struct world world = new_world(1, 1);
        struct limit_claim holder = {.uses = uses(&world, "b")};
        struct limit_claim waiters[] = {{.uses = uses(&world, "ab"), .since = 1},
                                        {.uses = uses(&world, "a"), .since = 2}};

        settle(&world, &holder, 1, waiters, 2);
        assert_false(waiters[0].granted);
        assert_string_equal(waiters[0].lacks->name, "b");
        /* And what the older one waits for is kept for it: else many small ones would starve it. */
        assert_false(waiters[1].granted);
        settle(&world, NULL, 0, waiters, 2);
        assert_true(waiters[0].granted);
        assert_false(waiters[1].granted);
}

static void a_big_one_is_not_starved_by_small_ones(void **state) {
        struct world world = new_world(4, 0);
        struct limit_claim holder = {.uses = uses(&world, "a")};
        struct limit_claim waiters[] = {{.uses = uses(&world, "a4"), .since = 1},
                                        {.uses = uses(&world, "a"), .since = 2}};

        settle(&world, &holder, 1, waiters, 2);
        assert_false(waiters[0].granted);
        assert_false(waiters[1].granted);
        settle(&world, NULL, 0, waiters, 2);
        assert_true(waiters[0].granted);
}

static void more_than_there_are_is_all_of_them(void **state) {
        struct world world = new_world(2, 0);
        struct limit_claim holder = {.uses = uses(&world, "a")}, waiter = {.uses = uses(&world, "a9")};

        settle(&world, &holder, 1, &waiter, 1);
        assert_false(waiter.granted);
        settle(&world, NULL, 0, &waiter, 1);
        assert_true(waiter.granted);
}

static void a_closed_limit_stops_its_own_and_nobody_else(void **state) {
        struct world world = new_world(1, 0);
        struct limit_claim waiters[] = {{.uses = uses(&world, "ab"), .since = 1},
                                        {.uses = uses(&world, "a"), .since = 2}};

        settle(&world, NULL, 0, waiters, 2);
        assert_false(waiters[0].granted);
        assert_string_equal(waiters[0].lacks->name, "b");
        assert_true(waiters[1].granted);
}

static void a_limit_that_shrank_waits_until_it_fits_again(void **state) {
        struct world world = new_world(2, 0);
        struct limit_claim holders[] = {
                {.uses = uses(&world, "a")}, {.uses = uses(&world, "a")}, {.uses = uses(&world, "a")}};
        struct limit_claim waiter = {.uses = uses(&world, "a")};

        for (size_t held = 3; held > 1; held--) {
                settle(&world, holders, held, &waiter, 1);
                assert_false(waiter.granted);
        }
        settle(&world, holders, 1, &waiter, 1);
        assert_true(waiter.granted);
}

static void a_limit_that_is_gone_bounds_nobody(void **state) {
        struct world world = new_world(1, 1);
        struct limit_use foreign = {.name = (char *)(uintptr_t) "gone", .slots = 5};
        struct limit_uses list = {&foreign, 1};
        struct limit_claim waiter = {.uses = &list};

        settle(&world, NULL, 0, &waiter, 1);
        assert_true(waiter.granted);
}

#define HOLDS(mine, of_steps) "[Job]\nLimit=" mine "\n[Step s]\nExec=x\nLimit=" of_steps "\n"

static struct limit_claim claim_of_plan(const struct run_plan *plan, usec_t since) {
        return (struct limit_claim){.uses = &plan->job->limits, .plan = plan, .since = since};
}

static void runs_that_could_lock_each_other_begin_one_after_the_other(void **state) {
        struct world world = new_world(1, 1);
        struct run_plan ab = plan_from_text(HOLDS("a", "b")), ba = plan_from_text(HOLDS("b", "a")),
                        only_b = plan_from_text(HOLDS("b", ""));
        struct limit_claim holder = claim_of_plan(&ab, 0), waiter = claim_of_plan(&ba, 1),
                           harmless = claim_of_plan(&only_b, 2);

        settle(&world, &holder, 1, &waiter, 1);
        assert_false(waiter.granted);
        assert_true(waiter.in_a_circle);
        assert_null(waiter.lacks);
        settle(&world, &holder, 1, &harmless, 1);
        assert_true(harmless.granted);
        settle(&world, NULL, 0, &waiter, 1);
        assert_true(waiter.granted);
        run_plan_done(&ab);
        run_plan_done(&ba);
        run_plan_done(&only_b);
}

/* One waits in a circle: further runs that lead the other way do not go before it for ever. */
static void a_run_in_a_circle_is_not_starved(void **state) {
        struct world world = new_world(2, 2);
        struct run_plan ab = plan_from_text(HOLDS("a", "b")), ba = plan_from_text(HOLDS("b", "a"));
        struct limit_claim holder = claim_of_plan(&ba, 0);
        struct limit_claim waiters[] = {claim_of_plan(&ab, 1), claim_of_plan(&ba, 2)};

        settle(&world, &holder, 1, waiters, 2);
        assert_true(waiters[0].in_a_circle);
        assert_false(waiters[1].granted);
        run_plan_done(&ab);
        run_plan_done(&ba);
}

/* A step whose run holds something takes what is free, though an older waiter keeps it: the run must come to its end.
 */
static void steps_of_holders_are_not_held_up_by_what_is_kept(void **state) {
        struct world world = new_world(1, 1);
        struct run_plan b = plan_from_text(HOLDS("b", "a"));
        struct limit_claim holder = claim_of_plan(&b, 0);
        struct limit_claim waiters[] = {{.uses = uses(&world, "ab"), .since = 1, .priority = 9},
                                        {.uses = uses(&world, "a"), .since = 2, .of_holder = true}};

        settle(&world, &holder, 1, waiters, 2);
        assert_false(waiters[0].granted);
        assert_true(waiters[1].granted);
        run_plan_done(&b);
}

/* Runs that hold some of two limits and have steps that take others, at random: as long as anybody is there, somebody
 * can go on, and no limit is ever exceeded. */
struct actor {
        struct run_plan plan;
        bool active, step_waits, step_holds, done;
        usec_t since;
};

static bool advance_one(struct world *world, struct actor *actors, size_t n, usec_t *now) {
        struct limit_claim holders[MAX_CLAIMS], waiters[MAX_CLAIMS];
        size_t owner[MAX_CLAIMS], n_holders = 0, n_waiters = 0;
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                struct actor *actor = &actors[i];
                const struct limit_uses *step = &actor->plan.steps[0].step->limits, *run = &actor->plan.job->limits;

                if (actor->step_holds && rand() % 2 == 0) { /* its step ends, and with it the run */
                        actor->step_holds = actor->active = false;
                        actor->done = any = true;
                }
                if (actor->active && run->count > 0)
                        holders[n_holders++] = claim_of_plan(&actor->plan, 0);
                if (actor->step_holds)
                        holders[n_holders++] = (struct limit_claim){.uses = step};
                if (actor->done || actor->step_holds)
                        continue;
                owner[n_waiters] = i;
                waiters[n_waiters++] =
                        actor->active
                                ? (struct limit_claim){.uses = step, .of_holder = run->count > 0, .since = actor->since}
                                : claim_of_plan(&actor->plan, actor->since);
        }
        settle(world, holders, n_holders, waiters, n_waiters);
        for (size_t k = 0; k < n_waiters; k++) {
                struct actor *actor = &actors[owner[k]];

                if (!waiters[k].granted)
                        continue;
                any = true;
                actor->step_holds = actor->active;
                actor->active = true;
                actor->since = ++*now;
        }
        return any;
}

static void check_bounds(const struct world *world, const struct actor *actors, size_t n) {
        unsigned used[2] = {0, 0};

        for (size_t i = 0; i < n; i++)
                for (size_t l = 0; l < 2; l++) {
                        const struct limit_use *of_run = limit_uses_find(&actors[i].plan.job->limits,
                                                                         world->limits[l].name),
                                               *of_step = limit_uses_find(&actors[i].plan.steps[0].step->limits,
                                                                          world->limits[l].name);

                        used[l] += actors[i].active && of_run ? of_run->slots : 0;
                        used[l] += actors[i].step_holds && of_step ? of_step->slots : 0;
                }
        assert_true(used[0] <= world->limits[0].slots && used[1] <= world->limits[1].slots);
}

static void random_runs_all_come_to_their_end(void **state) {
        static const char *const texts[] = {HOLDS("a", "b"), HOLDS("b", "a"),    HOLDS("", "a b"), HOLDS("a b", ""),
                                            HOLDS("a", ""),  HOLDS("", "a:2"),   HOLDS("", ""),    HOLDS("b:2", "a"),
                                            HOLDS("", "b"),  HOLDS("a:2", "b:2")};

        for (unsigned seed = 0; seed < 300; seed++) {
                struct actor actors[6] = {0};
                struct world world;
                usec_t now = 10;
                size_t done = 0;

                srand(seed);
                world = new_world(2 + (unsigned)rand() % 2, 2 + (unsigned)rand() % 2);
                for (size_t i = 0; i < ELEMENTSOF(actors); i++) {
                        actors[i].plan = plan_from_text(texts[(size_t)rand() % ELEMENTSOF(texts)]);
                        actors[i].since = i + 1;
                }
                for (unsigned turns = 0; done < ELEMENTSOF(actors); turns++) {
                        assert_true(turns < 500);
                        (void)advance_one(&world, actors, ELEMENTSOF(actors), &now);
                        check_bounds(&world, actors, ELEMENTSOF(actors));
                        done = 0;
                        for (size_t i = 0; i < ELEMENTSOF(actors); i++)
                                done += actors[i].done;
                }
                for (size_t i = 0; i < ELEMENTSOF(actors); i++)
                        run_plan_done(&actors[i].plan);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(slots_go_to_the_oldest_until_they_are_gone),
                cmocka_unit_test(a_higher_priority_goes_before_age),
                cmocka_unit_test(what_is_held_counts),
                cmocka_unit_test(all_are_taken_at_once_or_none),
                cmocka_unit_test(a_big_one_is_not_starved_by_small_ones),
                cmocka_unit_test(more_than_there_are_is_all_of_them),
                cmocka_unit_test(a_closed_limit_stops_its_own_and_nobody_else),
                cmocka_unit_test(a_limit_that_shrank_waits_until_it_fits_again),
                cmocka_unit_test(a_limit_that_is_gone_bounds_nobody),
                cmocka_unit_test(runs_that_could_lock_each_other_begin_one_after_the_other),
                cmocka_unit_test(a_run_in_a_circle_is_not_starved),
                cmocka_unit_test(steps_of_holders_are_not_held_up_by_what_is_kept),
                cmocka_unit_test(random_runs_all_come_to_their_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
