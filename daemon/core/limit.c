#include "limit.h"

#include <stdlib.h>

#include "cleanup.h"
#include "strutil.h"
#include "xalloc.h"

void limit_set_done(struct limit_set *set) {
        for (size_t i = 0; i < set->count; i++)
                free(set->items[i].name);
        free(set->items);
        *set = (struct limit_set){0};
}

struct limit_set limit_set_copy(const struct limit_set *set) {
        struct limit_set copy = {.items = xcalloc(set->count + 1, sizeof(*copy.items)), .count = set->count};

        for (size_t i = 0; i < set->count; i++)
                copy.items[i] = (struct limit){xstrdup(set->items[i].name), set->items[i].slots, set->items[i].gone};
        return copy;
}

const struct limit *limit_set_find(const struct limit_set *set, const char *name) {
        for (size_t i = 0; i < set->count; i++)
                if (streq(set->items[i].name, name))
                        return &set->items[i];
        return NULL;
}

const char *limit_set_suggest(const struct limit_set *set, const char *name) {
        _cleanup_free_ const char **names = xcalloc(set->count + 1, sizeof(char *));

        for (size_t i = 0; i < set->count; i++)
                names[i] = set->items[i].name;
        return nearest_name(name, names);
}

void limit_uses_done(struct limit_uses *uses) {
        for (size_t i = 0; i < uses->count; i++) {
                free(uses->items[i].name);
                free(uses->items[i].path);
        }
        free(uses->items);
        *uses = (struct limit_uses){0};
}

const struct limit_use *limit_uses_find(const struct limit_uses *uses, const char *name) {
        for (size_t i = 0; i < uses->count; i++)
                if (streq(uses->items[i].name, name))
                        return &uses->items[i];
        return NULL;
}
