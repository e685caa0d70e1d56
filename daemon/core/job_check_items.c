/* What a job file says of items, conditions and fallbacks: what contradicts itself. */
#include "exec_reference.h"
#include "job_parse.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"

/* The step that has this one as its Fallback=, or NULL. */
static const struct step *main_of(const struct job *job, const struct step *step) {
        for (size_t i = 0; i < job->n_steps; i++)
                if (streq_null(job->steps[i].fallback, step->name))
                        return &job->steps[i];
        return NULL;
}

bool job_step_has_item(const struct job *job, const struct step *step) {
        /* Fallbacks of fallbacks; a circle, told elsewhere, ends the search. */
        for (size_t i = 0; step && i <= job->n_steps; i++) {
                if (step->has_for_each)
                        return true;
                step = main_of(job, step);
        }
        return false;
}

void job_check_items(struct job_parser *parser, const struct parsed_object *object) {
        static const char *const keys[] = {"MaxParallel", "ItemDelaySec"};
        const struct step *step = &parser->job->steps[object->index];

        job_check_references(parser, object, "ForEach", false, step->for_each);
        job_check_references(parser, object, "ForEach", false, step->for_each_command);
        job_check_references(parser, object, "Condition", job_step_has_item(parser->job, step), step->condition);
        for (size_t i = 0; i < ELEMENTSOF(keys) && !job_step_has_item(parser->job, step); i++)
                if (job_key_is_set(object, keys[i]))
                        ERROR_AT(parser, job_place_of(object, keys[i]),
                                 "%s= is for steps with items; write ForEach= or take it out", keys[i]);
}

/* Whether the fallbacks of a step lead back to it. */
static bool is_circle(const struct job *job, const struct step *step) {
        const struct step *next = step;

        for (size_t i = 0; next && next->fallback && i <= job->n_steps; i++) {
                next = job_find_step(job, next->fallback);
                if (next == step)
                        return true;
        }
        return false;
}

static void check_named(struct job_parser *parser, const struct parsed_object *object, const struct step *fallback) {
        struct place place = job_place_of(object, "Fallback");
        const struct step *step = &parser->job->steps[object->index];

        if (is_circle(parser->job, step)) {
                parser->names_are_wrong = true;
                ERROR_AT(parser, place,
                         "Fallback=: step %s stands in for itself in the end; name another step, or none", step->name);
        }
        if (main_of(parser->job, fallback) != step)
                ERROR_AT(parser, place, "Fallback=: %s is the fallback of %s already; give each step one of its own",
                         fallback->name, main_of(parser->job, fallback)->name);
        if (fallback->has_for_each)
                ERROR_AT(
                        parser, place,
                        "Fallback=: %s has a ForEach= of its own, but runs for the item of %s that failed; take it out "
                        "of [Step %s]",
                        fallback->name, step->name, fallback->name);
        if (fallback->has_after)
                ERROR_AT(parser, place,
                         "Fallback=: %s has an After=, but runs when %s has failed; take it out of [Step %s]",
                         fallback->name, step->name, fallback->name);
}

void job_check_fallback(struct job_parser *parser, const struct parsed_object *object) {
        const struct job *job = parser->job;
        const struct step *step = &job->steps[object->index];
        const struct step *fallback = step->fallback ? job_find_step(job, step->fallback) : NULL;

        if (fallback) {
                check_named(parser, object, fallback);
        } else if (step->fallback) {
                const char *near = job_suggest_step(job, step->fallback);

                parser->names_are_wrong = true;
                ERROR_AT(parser, job_place_of(object, "Fallback"), "Fallback=: there is no step \"%.64s\"; %s%s%s",
                         step->fallback, near ? "did you mean " : "name a step of this job", near ? near : "",
                         near ? "?" : "");
        }
        for (size_t i = 0; step->after && step->after[i]; i++) {
                const struct step *other = job_find_step(job, step->after[i]);
                const struct step *main = other ? main_of(job, other) : NULL;

                if (main)
                        ERROR_AT(parser, object->words[i],
                                 "After=: %s is the fallback of %s and does not run otherwise; wait for %s, which ends "
                                 "with it",
                                 other->name, main->name, main->name);
        }
}
