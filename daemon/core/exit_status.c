#include "exit_status.h"

#include <errno.h>

#include "macro.h"
#include "strutil.h"

/* systemd.exec(5), "Process Exit Codes": the standard, BSD (sysexits.h) and LSB tables. */
static const struct {
        const char *name;
        int status;
} exit_status_names[] = {
        {"SUCCESS", 0},      {"FAILURE", 1},       {"INVALIDARGUMENT", 2}, {"NOTIMPLEMENTED", 3}, {"NOPERMISSION", 4},
        {"NOTINSTALLED", 5}, {"NOTCONFIGURED", 6}, {"NOTRUNNING", 7},      {"USAGE", 64},         {"DATAERR", 65},
        {"NOINPUT", 66},     {"NOUSER", 67},       {"NOHOST", 68},         {"UNAVAILABLE", 69},   {"SOFTWARE", 70},
        {"OSERR", 71},       {"OSFILE", 72},       {"CANTCREAT", 73},      {"IOERR", 74},         {"TEMPFAIL", 75},
        {"PROTOCOL", 76},    {"NOPERM", 77},       {"CONFIG", 78},
};

void exit_status_set_add(struct exit_status_set *set, int status) {
        set->bits[status / 8] |= (uint8_t)(1U << (status % 8));
}

bool exit_status_set_contains(const struct exit_status_set *set, int status) {
        return status >= 0 && status <= EXIT_STATUS_MAX && (set->bits[status / 8] & (1U << (status % 8)));
}

bool exit_status_set_overlaps(const struct exit_status_set *a, const struct exit_status_set *b) {
        for (size_t i = 0; i < sizeof(a->bits); i++)
                if (a->bits[i] & b->bits[i])
                        return true;
        return false;
}

struct jval *exit_status_set_to_json(const struct exit_status_set *set) {
        struct jval *array = jval_array();

        for (int status = 0; status <= EXIT_STATUS_MAX; status++)
                if (exit_status_set_contains(set, status))
                        jval_add(array, jval_integer(status));
        return array;
}

int exit_status_from_string(const char *text) {
        int64_t number;

        if (parse_int64_range(text, 0, EXIT_STATUS_MAX, &number) == 0)
                return (int)number;
        for (size_t i = 0; i < ELEMENTSOF(exit_status_names); i++)
                if (streq(exit_status_names[i].name, text))
                        return exit_status_names[i].status;
        return -EINVAL;
}

const char *exit_status_suggest(const char *text) {
        const char *names[ELEMENTSOF(exit_status_names) + 1] = {0};

        for (size_t i = 0; i < ELEMENTSOF(exit_status_names); i++)
                names[i] = exit_status_names[i].name;
        return nearest_name(text, names);
}
