/* For comparison with other implementations: reads lines "ZONE<TAB>BASE<TAB>COUNT<TAB>EXPRESSION" and prints for each
 * the next instants after BASE, in seconds since the epoch, on one line; "invalid" for what is no expression. ZONE is a
 * TZif file, and the zone that the expression names is looked for beside it, below the folder given as the first
 * argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "fileutil.h"
#include "strutil.h"
#include "strv.h"
#include "zone.h"

static struct zone *read_zone(const char *folder, const char *name) {
        char *path = path_join(folder, name), *data, *error = NULL;
        struct zone *zone = NULL;
        size_t len;

        if (streq(name, "UTC"))
                zone = zone_new_utc();
        else if (read_file(path, ZONE_DATA_MAX, &data, &len) == 0) {
                if (zone_parse(&zone, name, data, len, &error) < 0)
                        fprintf(stderr, "%s: %s\n", path, error);
                free(error);
                free(data);
        }
        free(path);
        return zone;
}

static void print_next(const struct calendar *calendar, const struct zone *zone, usec_t base, unsigned count) {
        enum zone_local_kind kind;

        for (unsigned i = 0; i < count && calendar_next(calendar, zone, base, &base, &kind) == 0; i++)
                printf("%s%llu", i > 0 ? " " : "", (unsigned long long)(base / USEC_PER_SEC));
        printf("\n");
}

static void print_line(const char *folder, char *const *fields) {
        struct calendar *calendar;
        struct zone *zone;
        int64_t base = 0, count = 0;

        if (calendar_parse(&calendar, fields[3], NULL) < 0) {
                printf("invalid\n");
                return;
        }
        zone = read_zone(folder, str_or(calendar_zone_name(calendar), fields[0]));
        if (!zone || parse_int64(fields[1], &base) < 0 || parse_int64(fields[2], &count) < 0)
                printf("invalid\n");
        else
                print_next(calendar, zone, (usec_t)base * USEC_PER_SEC, (unsigned)count);
        zone_unref(zone);
        calendar_free(calendar);
}

int main(int argc, char **argv) {
        char line[4096];

        if (argc != 2)
                return 2;
        while (fgets(line, sizeof(line), stdin)) {
                char **fields;

                line[strcspn(line, "\n")] = '\0';
                fields = strv_split(line, "\t");
                if (strv_length(fields) == 4)
                        print_line(argv[1], fields);
                else
                        printf("invalid\n");
                strv_free(fields);
        }
        return 0;
}
