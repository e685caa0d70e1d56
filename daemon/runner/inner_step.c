#include "inner_step.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cleanup.h"
#include "strutil.h"
#include "xalloc.h"

#define RUNNING "running"

void inner_steps_done(struct inner_steps *steps) {
        for (size_t i = 0; i < steps->n; i++) {
                free(steps->items[i].name);
                free(steps->items[i].error);
        }
        free(steps->items);
        *steps = (struct inner_steps){0};
}

static size_t find_open(const struct inner_steps *steps, const char *name) {
        for (size_t i = 0; i < steps->n; i++)
                if (streq(steps->items[i].result, RUNNING) && streq(steps->items[i].name, name))
                        return i + 1;
        return 0;
}

bool inner_steps_open(struct inner_steps *steps, const char *name, uint64_t realtime, uint64_t boottime, size_t max) {
        steps->current = find_open(steps, name);
        if (steps->current > 0)
                return true;
        if (steps->n >= max)
                return false;
        GROW(steps->items, steps->n, steps->capacity);
        steps->items[steps->n++] = (struct inner_step){
                .name = xstrdup(name),
                .result = RUNNING,
                .began_at = realtime,
                .began_boottime = boottime,
                .records = -1,
        };
        steps->current = steps->n;
        return true;
}

struct inner_step *inner_steps_current(const struct inner_steps *steps) {
        return steps->current > 0 ? &steps->items[steps->current - 1] : NULL;
}

void inner_step_end(struct inner_step *step, const char *result, uint64_t boottime) {
        step->result = result;
        step->took = boottime > step->began_boottime ? boottime - step->began_boottime : 0;
}

void inner_step_set_error(struct inner_step *step, const char *error) {
        free(step->error);
        step->error = xstrdup(error);
}

char *inner_step_text(const struct inner_step *step) {
        _cleanup_free_ char *took = NULL, *records = NULL;

        if (!streq(step->result, RUNNING))
                took = xasprintf(" took=%" PRIu64, step->took);
        if (step->records >= 0)
                records = xasprintf(" records=%" PRId64, step->records);
        return xasprintf("%s %s began=%" PRIu64 "%s%s%s%s", step->name, step->result, step->began_at, str_or(took, ""),
                         str_or(records, ""), step->error ? " error=" : "", str_or(step->error, ""));
}
