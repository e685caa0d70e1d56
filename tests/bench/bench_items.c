/* A thousand no-op items through the whole daemon (found by a command, each with its durable rows, four at a time)
 * against bare launches through launcher and monitor, as many at a time: what the engine adds to a launch; and how long
 * the history's answers take while what such a run leaves is tidied away. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "bench.h"
#include "bench_instance.h"
#include "buf.h"
#include "macro.h"
#include "supervise_harness.h"

#define ITEMS 1000
#define PARALLEL 4
#define ROUNDS 5
/* 0.8 times the rate is 1.25 times the time. */
#define LIMIT 1.25
/* Right after a run's end its thousand attempt files are emptied on the thread that answers these. */
#define QUESTIONS 20

struct launches {
        struct harness *harness;
        struct witness witnesses[ITEMS];
        int begun, ended;
};

static void launch_next(struct launches *launches);

static void on_started(pid_t pid, usec_t realtime, void *user) {
}

static void on_lines(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user) {
}

static void on_report(const char *key, const char *value, void *user) {
}

static void on_ended(const struct attempt_result *result, void *user) {
        struct launches *launches = user;

        must(result->exit_status == 0, "a bare launch");
        launches->ended++;
        launch_next(launches);
}

static const struct attempt_events launch_events = {on_started, on_lines, on_report, on_ended, NULL};

static void launch_next(struct launches *launches) {
        static char name[] = "/bin/true";
        char *argv[] = {name, NULL};

        if (launches->ended == ITEMS)
                loop_exit(launches->harness->loop, 0);
        if (launches->begun == ITEMS)
                return;
        struct attempt_spec spec = harness_spec(launches->harness, &launches->witnesses[launches->begun++], argv);

        (void)supervise_launch(launches->harness->supervise, &spec, &launch_events, launches);
}

static double bare_launches(struct harness *harness) {
        static struct launches launches;
        double start = bench_now(CLOCK_MONOTONIC);

        memset(&launches, 0, sizeof(launches));
        launches.harness = harness;
        for (int i = 0; i < PARALLEL; i++)
                launch_next(&launches);
        (void)loop_run(harness->loop);
        double used = bench_now(CLOCK_MONOTONIC) - start;
        for (int i = 0; i < ITEMS; i++)
                witness_done(&launches.witnesses[i]);
        return used / ITEMS * 1e6;
}

static double our_items(struct bench_instance *instance) {
        double start = bench_now(CLOCK_MONOTONIC);

        instance_run_to_end(instance, "many");
        return (bench_now(CLOCK_MONOTONIC) - start) / ITEMS * 1e6;
}

/* The slowest of some answers from the history. */
static double slowest_answer(struct bench_instance *instance) {
        double slowest = 0;

        for (int i = 0; i < QUESTIONS; i++) {
                double start = bench_now(CLOCK_MONOTONIC);

                instance_ask(instance,
                             "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"run.list\",\"params\":{\"limit\":1}}");
                slowest = MAX(slowest, bench_now(CLOCK_MONOTONIC) - start);
        }
        return slowest * 1e3;
}

int main(void) {
        static const char job[] = "[Step item]\nForEach=!/usr/bin/seq 1 1000\nMaxParallel=4\nExec=/bin/true\n";
        double ours[ROUNDS], bare[ROUNDS], behind[ROUNDS], idle[ROUNDS];
        struct bench_instance instance;
        struct harness harness;

        harness_init(&harness);
        harness_wait_for_launcher(&harness);
        instance_start(&instance, (const char *const[]){"many", job, NULL}, 0);
        (void)our_items(&instance);
        (void)bare_launches(&harness);
        /* Interleaved, so that the machine's moods meet both sides alike. */
        for (int i = 0; i < ROUNDS; i++) {
                ours[i] = our_items(&instance);
                behind[i] = slowest_answer(&instance);
                bare[i] = bare_launches(&harness);
                idle[i] = slowest_answer(&instance);
        }
        bench_ratio("an item of a ForEach= of 1,000, four at a time", "us", bench_quantile(ours, ROUNDS, 0.5),
                    bench_quantile(bare, ROUNDS, 0.5), "launches through launcher and monitor, no rows", LIMIT);
        bench_ratio("the slowest of 20 history answers right behind a run of 1,000 items", "ms",
                    bench_quantile(behind, ROUNDS, 0.5), bench_quantile(idle, ROUNDS, 0.5),
                    "while nothing else is done", 0);
        instance_stop(&instance);
        harness_done(&harness);
        return 0;
}
