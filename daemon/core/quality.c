#include "quality.h"

#include <stdlib.h>

#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

static const char *const quality_words[] = {
        [QUALITY_UNKNOWN] = "unknown",
        [QUALITY_FULL] = "full",
        [QUALITY_LIMITED] = "limited",
        [QUALITY_FAILED] = "failed",
};

const char *data_quality_to_string(enum data_quality quality) {
        return quality_words[quality];
}

enum data_quality data_quality_from_string(const char *text) {
        for (enum data_quality quality = 0; text && quality < _DATA_QUALITY_MAX; quality++)
                if (streq(quality_words[quality], text))
                        return quality;
        return QUALITY_UNKNOWN;
}

void quality_done(struct quality *quality) {
        for (size_t i = 0; i < quality->n_targets; i++) {
                free(quality->targets[i].name);
                (void)jval_unref(quality->targets[i].missing);
        }
        for (size_t i = 0; i < quality->n_values; i++)
                free(quality->values[i].name);
        free(quality->targets);
        free(quality->values);
        *quality = (struct quality){0};
}

/* The items of each step come in the same order: what is looked for is mostly the one behind the last. */
static struct quality_target *target_of(struct quality *quality, const char *name) {
        for (size_t n = 0; n < quality->n_targets; n++) {
                size_t i = (quality->next_target + n) % quality->n_targets;

                if (!streq(quality->targets[i].name, name))
                        continue;
                quality->next_target = i + 1;
                return &quality->targets[i];
        }
        GROW(quality->targets, quality->n_targets, quality->targets_capacity);
        quality->targets[quality->n_targets] = (struct quality_target){.name = xstrdup(name)};
        return &quality->targets[quality->n_targets++];
}

static struct quality_value *value_of(struct quality *quality, const char *name) {
        for (size_t i = 0; i < quality->n_values; i++)
                if (streq(quality->values[i].name, name))
                        return &quality->values[i];
        GROW(quality->values, quality->n_values, quality->values_capacity);
        quality->values[quality->n_values] = (struct quality_value){.name = xstrdup(name)};
        return &quality->values[quality->n_values++];
}

static void add_value(struct quality *quality, const char *name, double number) {
        struct quality_value *value = value_of(quality, name);

        value->least = value->count == 0 ? number : MIN(value->least, number);
        value->most = value->count == 0 ? number : MAX(value->most, number);
        value->sum += number;
        value->count++;
}

/* What RESULT= says comes before a counter of the same name. */
static void add_values(struct quality *quality, const struct attempt_record *attempt) {
        const struct jval *result = jval_get(attempt->metadata, "result");

        for (void *i = jval_is_object(result) ? jval_iter(result) : NULL; i; i = jval_iter_next(result, i)) {
                enum jval_type type = jval_type_of(jval_iter_value(i));

                if (type == JVAL_INTEGER || type == JVAL_REAL)
                        add_value(quality, jval_iter_key(i), jval_num(jval_iter_value(i), 0));
        }
        for (void *i = attempt->metrics ? jval_iter(attempt->metrics) : NULL; i;
             i = jval_iter_next(attempt->metrics, i))
                if (!jval_is_object(result) || !jval_has(result, jval_iter_key(i)))
                        add_value(quality, jval_iter_key(i), jval_num(jval_iter_value(i), 0));
}

static void add_missing(struct quality_target *target, const struct jval *missing) {
        const struct jval *items = jval_get(missing, "items");

        if (!jval_is_object(missing))
                return;
        if (!target->missing)
                target->missing = jval_object();
        for (size_t i = 0; i < jval_array_size(items); i++)
                jval_set_str(target->missing, str_or(jval_get_str(jval_at(items, i), "item"), "?"),
                             jval_get_str(jval_at(items, i), "reason"));
}

void quality_add(struct quality *quality, const struct attempt_record *attempt) {
        enum data_quality said = data_quality_from_string(jval_get_str(attempt->metadata, "quality"));
        const struct jval *missing = jval_get(attempt->metadata, "missing");
        const char *item = str_or(attempt->item, "");
        struct quality_target *target;

        /* A step without items is a target only if it says something of its data. */
        if (said == QUALITY_UNKNOWN && !missing && !*item)
                return;
        target = target_of(quality, *item ? item : attempt->step_name);
        target->quality = MAX(target->quality, said);
        add_missing(target, missing);
        if (said != QUALITY_UNKNOWN)
                add_values(quality, attempt);
}

static struct jval *values_to_json(const struct quality *quality) {
        struct jval *values = jval_object();

        for (size_t i = 0; i < quality->n_values; i++) {
                const struct quality_value *value = &quality->values[i];
                struct jval *object = jval_object();

                jval_set_int(object, "count", value->count);
                jval_set_real(object, "sum", value->sum);
                jval_set_real(object, "mean", value->sum / (double)value->count);
                jval_set_real(object, "least", value->least);
                jval_set_real(object, "most", value->most);
                jval_set(values, value->name, object);
        }
        return values;
}

static struct jval *targets_to_json(const struct quality *quality) {
        struct jval *targets = jval_array();

        for (size_t i = 0; i < quality->n_targets; i++) {
                const struct quality_target *target = &quality->targets[i];
                struct jval *object = jval_object();

                jval_set_str(object, "item", target->name);
                jval_set_str(object, "quality", data_quality_to_string(target->quality));
                jval_set(object, "missing", target->missing ? jval_ref(target->missing) : jval_object());
                jval_add(targets, object);
        }
        return targets;
}

struct jval *quality_to_json(const struct quality *quality, bool with_targets) {
        struct jval *object = jval_object();
        int64_t counts[_DATA_QUALITY_MAX] = {0};

        for (size_t i = 0; i < quality->n_targets; i++)
                counts[quality->targets[i].quality]++;
        jval_set_int(object, "targets", (int64_t)quality->n_targets);
        for (enum data_quality word = 0; word < _DATA_QUALITY_MAX; word++)
                jval_set_int(object, quality_words[word], counts[word]);
        jval_set(object, "values", values_to_json(quality));
        if (with_targets)
                jval_set(object, "items", targets_to_json(quality));
        return object;
}
