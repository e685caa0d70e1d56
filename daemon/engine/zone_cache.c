#include "zone_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "fileutil.h"
#include "strutil.h"
#include "xalloc.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define LOCAL_ZONE "/etc/localtime"

void zone_cache_done(struct zone_cache *cache) {
        for (size_t i = 0; i < cache->count; i++) {
                zone_unref(cache->zones[i]);
                free(cache->names[i]);
        }
        free(cache->zones);
        free(cache->names);
        *cache = (struct zone_cache){0};
}

static int read_zone(const char *name, struct zone **ret, char **ret_error) {
        _cleanup_free_ char *path = *name ? xasprintf(ZONE_FOLDER "/%s", name) : xstrdup(LOCAL_ZONE);
        _cleanup_free_ char *data = NULL, *error = NULL;
        size_t len;
        int r;

        if (streq(name, "UTC")) {
                *ret = zone_new_utc();
                return 0;
        }
        if (*name && !zone_name_is_valid(name))
                return error_set(ret_error, -EINVAL,
                                 "\"%.64s\" is no name of a time zone; write one like Europe/Berlin", name);
        r = read_file(path, ZONE_DATA_MAX, &data, &len);
        if (r == -ENOENT && !*name) {
                *ret = zone_new_utc();
                return 0;
        }
        if (r == -ENOENT)
                return error_set(
                        ret_error, r,
                        "there is no time zone %s below " ZONE_FOLDER "; write one of those, like Europe/Berlin", name);
        if (r == 0)
                r = zone_parse(ret, *name ? name : "local", data, len, &error);
        return r < 0 ? error_set(ret_error, r, "the time zone in %s cannot be used: %s", path,
                                 str_or(error, strerror(-r)))
                     : 0;
}

int zone_cache_get(struct zone_cache *cache, const char *name, struct zone **ret, char **ret_error) {
        struct zone *zone;
        int r;

        name = str_or(name, "");
        for (size_t i = 0; i < cache->count; i++)
                if (streq(cache->names[i], name)) {
                        *ret = cache->zones[i];
                        return 0;
                }
        r = read_zone(name, &zone, ret_error);
        if (r < 0)
                return r;
        if (cache->count == cache->capacity) {
                cache->capacity = cache->capacity ? 2 * cache->capacity : 8;
                cache->zones = xreallocarray(cache->zones, cache->capacity, sizeof(*cache->zones));
                cache->names = xreallocarray(cache->names, cache->capacity, sizeof(*cache->names));
        }
        cache->zones[cache->count] = zone;
        cache->names[cache->count++] = xstrdup(name);
        *ret = zone;
        return 0;
}
