/* Any text as a calendar expression: refused with a reason, or instants that grow, in a zone whose clocks change. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A version 2 file without transitions: its rule is all it has. */
static struct zone *rule_zone(void) {
        static const char header[] =
                "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0";
        static const char rule[] = "\0\0\0\0\0\0\nEST5EDT,M3.2.0,M11.1.0\n";
        char file[2 * 44 + 12 + sizeof(rule)] = {0};
        struct zone *zone = NULL;

        memcpy(file, header, 44);
        memcpy(file + 44 + 6, header, 44);
        memcpy(file + 44 + 6 + 44, rule, sizeof(rule) - 1);
        if (zone_parse(&zone, "rule", file, 44 + 6 + 44 + sizeof(rule) - 1, NULL) < 0)
                abort();
        return zone;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct zone *zone;
        struct calendar *calendar = NULL;
        char *text = malloc(size + 1), *error = NULL;
        usec_t at = 1709960400 * USEC_PER_SEC;

        if (!text)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';
        if (!zone)
                zone = rule_zone();
        if (calendar_parse(&calendar, text, &error) == 0) {
                usec_t last = at;

                for (unsigned i = 0; i < 20 && calendar_next(calendar, zone, at, &at, NULL) == 0; i++, last = at)
                        assert(at > last);
        } else {
                assert(error && !calendar);
        }
        calendar_free(calendar);
        free(error);
        free(text);
        return 0;
}
