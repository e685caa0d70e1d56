/* batchctl __complete WORD...: what may stand where the last word is being typed, one a line. The shell's completion
 * asks it, so that what it offers comes from the same tables as parsing and help. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "session.h"
#include "strutil.h"
#include "verb.h"

/* Names of files are the shell's business. */
#define OFFER_FILES ":files"

static void offer(const char *candidate, const char *typed) {
        if (candidate && startswith(candidate, typed))
                (void)printf("%s\n", candidate);
}

static void offer_options(const struct option_row *rows, const char *typed) {
        char text[64];
        for (const struct option_row *row = rows; row && row->name; row++) {
                (void)snprintf(text, sizeof(text), "--%s%s", row->name, row->value ? "=" : "");
                offer(text, typed);
        }
}

static void offer_verbs(const char *typed) {
        for (const struct verb *const *v = verbs; *v; v++)
                if (!(*v)->hidden)
                        offer((*v)->name, typed);
}

/* What the daemon knows; silently nothing when it cannot be asked. */
static struct jval *ask(const struct context *context, enum method_id method, struct jval *params) {
        _cleanup_session_ struct session session = SESSION_INIT;
        struct jval *result = NULL;
        _cleanup_jval_ struct jval *owned = params;
        if (session_open(&session, context) == EXIT_DONE)
                (void)session_call(&session, method, owned ? jval_ref(owned) : NULL, &result);
        return result;
}

static void offer_jobs(const struct context *context, const char *typed) {
        _cleanup_jval_ struct jval *result = ask(context, METHOD_JOB_LIST, NULL);
        const struct jval *jobs = jval_get(result, "jobs");
        for (size_t i = 0; i < jval_array_size(jobs); i++)
                offer(jval_get_str(jval_at(jobs, i), "job"), typed);
}

static void offer_runs(const struct context *context, const char *typed) {
        struct jval *params = jval_object();
        jval_set_int(params, "limit", 20);
        _cleanup_jval_ struct jval *result = ask(context, METHOD_RUN_LIST, params);
        const struct jval *runs = jval_get(result, "runs");
        for (size_t i = 0; i < jval_array_size(runs); i++) {
                char number[24];
                (void)snprintf(number, sizeof(number), "%" PRIi64, jval_get_int(jval_at(runs, i), "run_number", 0));
                offer(number, typed);
        }
}

/* The named things of a job ("modes", "steps", "parameters"), each behind a prefix. */
static void offer_of_job(const struct context *context, const char *job, const char *key, const char *suffix,
                         const char *typed) {
        struct jval *params = jval_object();
        jval_set_str(params, "job", job);
        _cleanup_jval_ struct jval *result = ask(context, METHOD_JOB_SHOW, params);
        const struct jval *things = jval_get(result, key);
        for (size_t i = 0; i < jval_array_size(things); i++) {
                char text[128];
                (void)snprintf(text, sizeof(text), "%s%s", str_or(jval_get_str(jval_at(things, i), "name"), ""),
                               suffix);
                offer(text, typed);
        }
}

static void offer_steps_of_run(const struct context *context, const char *run, const char *typed) {
        struct jval *params = jval_object();
        const char *last = "";
        jval_set_str(params, "run", run);
        _cleanup_jval_ struct jval *result = ask(context, METHOD_RUN_SHOW, params);
        const struct jval *steps = jval_get(result, "steps");
        for (size_t i = 0; i < jval_array_size(steps); i++) {
                const char *name = str_or(jval_get_str(jval_at(steps, i), "step_name"), "");
                /* once for all of its items */
                if (!streq(name, last))
                        offer(name, typed);
                last = name;
        }
}

static void offer_words(const struct option_row *row, const char *typed) {
        for (size_t i = 0; row->words && row->words[i]; i++)
                offer(row->words[i], typed);
}

/* job: the first argument, which is one for most verbs. */
static void offer_value(const struct context *context, const struct verb *verb, const struct option_row *row,
                        const char *job, const char *typed) {
        offer_words(row, typed);
        if (job && streq(row->name, "mode"))
                offer_of_job(context, job, "modes", "", typed);
        else if (job && streq(row->name, "step"))
                offer_of_job(context, job, "steps", "", typed);
        else if (job && verb == &verb_retry && streq(row->name, "from"))
                offer_steps_of_run(context, job, typed);
        else if (job && streq(row->name, "param"))
                offer_of_job(context, job, "parameters", "=", typed);
        else if (streq(row->name, "job"))
                offer_jobs(context, typed);
        else if (streq(row->value, "PATH") || streq(row->value, "FILE"))
                (void)puts(OFFER_FILES);
}

static const struct option_row *row_of_word(const struct verb *verb, const char *word) {
        const struct option_row *tables[] = {verb ? verb->options : NULL, global_rows};
        for (size_t t = 0; t < ELEMENTSOF(tables); t++)
                for (const struct option_row *row = tables[t]; row && row->name; row++)
                        if ((startswith(word, "--") && streq(word + 2, row->name)) ||
                            (word[0] == '-' && word[1] != '\0' && word[1] == row->letter && word[2] == '\0'))
                                return row;
        return NULL;
}

/* How many words behind the verb are neither options nor their values; *ret_first: the first of them, or NULL. */
static size_t count_arguments(const struct verb *verb, char *const *words, size_t verb_index, size_t last,
                              const char **ret_first) {
        size_t n = 0;
        *ret_first = NULL;
        for (size_t i = verb_index + 1; i < last; i++) {
                const struct option_row *row = row_of_word(verb, words[i]);
                if (row && row->value)
                        i++;
                else if (words[i][0] != '-' && n++ == 0)
                        *ret_first = words[i];
        }
        return n;
}

static void offer_argument(const struct context *context, const struct verb *verb, size_t n_before, const char *first,
                           const char *typed) {
        if (strstr(verb->arguments, "FILE"))
                (void)puts(OFFER_FILES);
        else if (n_before == 1 && strstr(verb->arguments, "RUN [STEP"))
                offer_steps_of_run(context, first, typed);
        else if (n_before == 1 && strstr(verb->arguments, "JOB [STEP"))
                offer_of_job(context, first, "steps", "", typed);
        if (n_before > 0)
                return;
        if (strstr(verb->arguments, "JOB"))
                offer_jobs(context, typed);
        if (strstr(verb->arguments, "RUN"))
                offer_runs(context, typed);
        if (strstr(verb->arguments, "COMMAND"))
                offer_verbs(typed);
}

static int run_complete(const struct context *context, const void *options, char *const *words) {
        struct context silent = *context;
        size_t n = 0, verb_index = 0;
        const struct verb *verb = NULL;
        while (words[n])
                n++;
        if (n == 0)
                return EXIT_DONE;
        for (; verb_index + 1 < n && !verb; verb_index++)
                verb = verb_find(words[verb_index]);
        verb_index -= verb ? 1 : 0;
        const char *typed = words[n - 1];
        const char *first = NULL;
        size_t n_before = verb ? count_arguments(verb, words, verb_index, n - 1, &first) : 0;
        silent.is_silent = true;
        const struct option_row *row = n >= 2 ? row_of_word(verb, words[n - 2]) : NULL;
        if (row && row->value)
                offer_value(&silent, verb, row, first, typed);
        else if (typed[0] == '-') {
                offer_options(verb ? verb->options : NULL, typed);
                offer_options(global_rows, typed);
        } else if (verb)
                offer_argument(&silent, verb, n_before, first, typed);
        else
                offer_verbs(typed);
        return EXIT_DONE;
}

const struct verb verb_complete = {
        .name = "__complete",
        .arguments = "WORD...",
        .max_arguments = -1,
        .summary = "What may stand at the last word",
        .examples = "  batchctl __complete run --mo\n",
        .run = run_complete,
        .hidden = true,
        .takes_all = true,
};
