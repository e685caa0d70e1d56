#include "calendar_command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "due.h"
#include "strutil.h"
#include "zone_cache.h"

#define COUNT_DEFAULT 10
#define COUNT_MAX 100000
#define EXIT_WRONG_USAGE 2

static const char help[] = "batchd calendar - when a calendar expression elapses\n"
                           "\n"
                           "  batchd calendar 'Mon..Fri *:0/15 Europe/Berlin'\n"
                           "  batchd calendar '*-*~1 23:00' --from 2027-01-01T00:00:00Z -n 12\n"
                           "\n"
                           "Options:\n"
                           "  -n, --count N     how many times (10 unless said)\n"
                           "      --from TIME   from then on, as 2027-03-28T00:00:00Z; now unless said\n"
                           "  -h, --help        print this\n";

enum { OPTION_FROM = 256 };

struct request {
        const char *expression;
        usec_t from;
        int64_t count;
};

/* 0; 1: nothing more to do; -1: wrong usage, which has been said. */
static int parse(int argc, char **argv, struct request *ret) {
        static const struct option table[] = {
                {"count", required_argument, NULL, 'n'},
                {"from", required_argument, NULL, OPTION_FROM},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        int option;

        *ret = (struct request){.from = now_realtime(), .count = COUNT_DEFAULT};
        while ((option = getopt_long(argc, argv, "n:h", table, NULL)) != -1) {
                if (option == 'h') {
                        (void)fputs(help, stdout);
                        return 1;
                }
                if (option == 'n' &&
                    (parse_int64(optarg, &ret->count) < 0 || ret->count < 1 || ret->count > COUNT_MAX)) {
                        (void)fprintf(stderr, "batchd: --count takes a number from 1 to %d, not \"%s\"\n", COUNT_MAX,
                                      optarg);
                        return -1;
                }
                if (option == OPTION_FROM && parse_rfc3339(optarg, &ret->from) < 0) {
                        (void)fprintf(stderr, "batchd: --from takes a time as 2027-03-28T00:00:00Z, not \"%s\"\n",
                                      optarg);
                        return -1;
                }
                if (option != 'n' && option != OPTION_FROM) {
                        (void)fputs("See: batchd calendar --help\n", stderr);
                        return -1;
                }
        }
        if (argc - optind != 1) {
                (void)fputs("batchd: write one expression, in quotes: batchd calendar 'Tue 12:00'\n", stderr);
                return -1;
        }
        ret->expression = argv[optind];
        return 0;
}

static void print_due(const struct due_schedule *schedule, usec_t due, enum zone_local_kind kind) {
        static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        _cleanup_jval_ struct jval *members = jval_object();
        const char *local;
        struct civil_date date = {0};
        char utc[RFC3339_SIZE];

        due_set_local(members, schedule, due, kind);
        local = str_or(jval_get_str(members, "local_at"), "");
        if (sscanf(local, "%d-%d-%d", &date.year, &date.month, &date.day) != 3 || strlen(local) < 26)
                return;
        (void)printf("%s %.10s %.8s %s  %s UTC%s\n", weekdays[civil_weekday(civil_to_days(date))], local, local + 11,
                     local + 26, format_time_local(utc, due, true),
                     kind == ZONE_LOCAL_GAP    ? "  (clocks skip the local time: right after the change)"
                     : kind == ZONE_LOCAL_FOLD ? "  (clocks show the local time twice: the first time)"
                                               : "");
}

static int print_all(const struct due_schedule *schedule, const struct request *request) {
        usec_t due = request->from > 0 ? request->from - 1 : 0;
        enum zone_local_kind kind;
        int64_t n = 0;

        for (; n < request->count && due_next(schedule, due, &due, &kind) == 0; n++)
                print_due(schedule, due, kind);
        if (n == 0)
                (void)printf("\"%s\" elapses no more\n", request->expression);
        return EXIT_SUCCESS;
}

int calendar_command(int argc, char **argv) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_free_ char *error = NULL;
        struct zone_cache zones = {0};
        struct request request;
        struct zone *zone;
        int r = parse(argc, argv, &request);

        if (r != 0)
                return r > 0 ? EXIT_SUCCESS : EXIT_WRONG_USAGE;
        r = calendar_parse(&calendar, request.expression, &error);
        if (r == 0)
                r = zone_cache_get(&zones, calendar_zone_name(calendar), &zone, &error);
        if (r < 0) {
                (void)fprintf(stderr, "batchd: %s\n", str_or(error, strerror(-r)));
                r = EXIT_FAILURE;
        } else {
                const struct due_calendar one = {calendar, zone};

                r = print_all(&(const struct due_schedule){&one, 1, "", 0}, &request);
        }
        zone_cache_done(&zones);
        return r;
}
