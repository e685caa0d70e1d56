/* Looking methods up, by number and by name. */
#include <assert.h>

#include "method_table.h"
#include "strutil.h"

const struct method *method_by_id(enum method_id id) {
        assert(id < _METHOD_MAX);
        return &method_table[id];
}

const struct method *method_by_name(const char *name) {
        for (size_t i = 0; i < (size_t)_METHOD_MAX; i++)
                if (streq(method_table[i].name, name))
                        return &method_table[i];
        return NULL;
}

const char *method_suggest(const char *name) {
        const char *names[_METHOD_MAX + 1] = {NULL};
        for (size_t i = 0; i < (size_t)_METHOD_MAX; i++)
                names[i] = method_table[i].name;
        return nearest_name(name, names);
}
