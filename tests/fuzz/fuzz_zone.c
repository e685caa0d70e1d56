/* Any bytes as a TZif file: refused with a reason, or a zone whose local times can be looked up. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct zone *zone) {
        for (int64_t at = -2000000000; at < INT64_C(7000000000); at += 40000003) {
                struct zone_segment segment = zone_segment_at(zone, at);
                int64_t utc;

                assert(segment.start <= at && at < segment.end);
                (void)zone_resolve_local(zone, at, &utc);
                /* What a clock shows at an instant is at that instant, or was a fold ago. */
                (void)zone_resolve_local(zone, at + segment.offset, &utc);
                assert(utc <= at);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct zone *zone = NULL;
        char *error = NULL;

        if (zone_parse(&zone, "fuzz", data, size, &error) == 0)
                look_up(zone);
        else
                assert(error && !zone);
        zone_unref(zone);
        free(error);
        return 0;
}
