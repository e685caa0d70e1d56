/* Tells the week at each instant of stdin (seconds since 1970), by the worker's function and query, for
 * test_football_weeks. Argument: a libpq conninfo; empty for no database. */
#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "eastern.h"
#include "store_week.h"

int main(int argc, char **argv) {
        _cleanup_db_ struct db *db = NULL;
        _cleanup_free_ char *error = NULL;
        unsigned long long seconds;
        eastern_init();
        if (argc != 2 || (*argv[1] && db_open(argv[1], &db, &error) < 0)) {
                (void)fprintf(stderr, "week_harness: %s\n", error ? error : "usage: week_harness CONNINFO");
                return 1;
        }
        while (scanf("%llu", &seconds) == 1) {
                _cleanup_free_ char *fallback = NULL;
                struct week week = week_detect(db, seconds * USEC_PER_SEC, "there is no database", &fallback);
                (void)printf("%d %s %d %s\n", week.season, season_type_name(week.type), week.week,
                             fallback ? fallback : "");
        }
        return 0;
}
