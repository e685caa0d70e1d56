#include "job_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checksum.h"
#include "config_value.h"
#include "job_object.h"
#include "job_parse.h"
#include "strutil.h"
#include "strv.h"
#include "unit_lexer.h"
#include "utf8.h"
#include "xalloc.h"

/* Of a wrong name, as much as helps to find it. */
#define SHOWN 64

static const struct {
        const char *word;
        bool named;
        size_t max;
        const void *defaults;
} sections[_SECTION_MAX] = {
        [SECTION_JOB] = {"Job", false, 1, &job_defaults},
        [SECTION_PARAMETER] = {"Parameter", true, JOB_PARAMETERS_MAX, &parameter_defaults},
        [SECTION_MODE] = {"Mode", true, JOB_MODES_MAX, &mode_defaults},
        [SECTION_STEP] = {"Step", true, JOB_STEPS_MAX, &step_defaults},
};

static void *object_data(struct job *job, enum job_section section, size_t index) {
        switch (section) {
        case SECTION_PARAMETER:
                return &job->parameters[index];
        case SECTION_MODE:
                return &job->modes[index];
        case SECTION_STEP:
                return &job->steps[index];
        case SECTION_JOB:
        case _SECTION_MAX:
                break;
        }
        return job;
}

static size_t section_count(const struct job *job, enum job_section section) {
        switch (section) {
        case SECTION_PARAMETER:
                return job->n_parameters;
        case SECTION_MODE:
                return job->n_modes;
        case SECTION_STEP:
                return job->n_steps;
        case SECTION_JOB:
        case _SECTION_MAX:
                break;
        }
        return 1;
}

static const char *object_name(struct job *job, const struct parsed_object *object) {
        switch (object->section) {
        case SECTION_PARAMETER:
                return job->parameters[object->index].name;
        case SECTION_MODE:
                return job->modes[object->index].name;
        case SECTION_STEP:
                return job->steps[object->index].name;
        case SECTION_JOB:
        case _SECTION_MAX:
                break;
        }
        return "";
}

/* Appends an element with all keys at their defaults. */
static void append_data(struct job *job, enum job_section section, const char *name) {
        switch (section) {
        case SECTION_PARAMETER:
                job->parameters = xreallocarray(job->parameters, job->n_parameters + 1, sizeof(*job->parameters));
                job->parameters[job->n_parameters] = parameter_defaults;
                job->parameters[job->n_parameters++].name = xstrdup(name);
                break;
        case SECTION_MODE:
                job->modes = xreallocarray(job->modes, job->n_modes + 1, sizeof(*job->modes));
                job->modes[job->n_modes] = mode_defaults;
                job->modes[job->n_modes++].name = xstrdup(name);
                break;
        case SECTION_STEP:
                job->steps = xreallocarray(job->steps, job->n_steps + 1, sizeof(*job->steps));
                job->steps[job->n_steps] = step_defaults;
                job->steps[job->n_steps++].name = xstrdup(name);
                break;
        case SECTION_JOB:
        case _SECTION_MAX:
                break;
        }
}

static size_t append_object(struct job_parser *parser, enum job_section section, size_t index) {
        GROW(parser->objects, parser->n_objects, parser->objects_capacity);
        parser->objects[parser->n_objects] = (struct parsed_object){.section = section, .index = index};
        return parser->n_objects++;
}

static size_t find_object(const struct job_parser *parser, enum job_section section, const char *name) {
        for (size_t i = 0; i < parser->n_objects; i++)
                if (parser->objects[i].section == section && streq(object_name(parser->job, &parser->objects[i]), name))
                        return i;
        return SIZE_MAX;
}

static void refuse_section(struct job_parser *parser, const char *word, unsigned line) {
        static const char *const words[] = {"Job", "Parameter", "Mode", "Step", NULL};
        _cleanup_free_ char *shown = utf8_escape(word, strlen(word), SHOWN);
        const char *near = nearest_name(word, words);

        if (near)
                diagnostics_error(parser->diagnostics, parser->path, line, "unknown section [%s]; did you mean [%s%s]?",
                                  shown, near, streq(near, "Job") ? "" : " NAME");
        else
                diagnostics_error(
                        parser->diagnostics, parser->path, line,
                        "unknown section [%s]; a job file has [Job], [Parameter NAME], [Mode NAME] and [Step NAME]",
                        shown);
}

/* Parameters become variables, BATCH_PARAM_NAME, and ${name}. */
static bool section_name_is_valid(struct job_parser *parser, enum job_section section, const char *name,
                                  unsigned line) {
        _cleanup_free_ char *shown = utf8_escape(name, strlen(name), SHOWN);
        bool valid = name_is_valid(name) &&
                     (section != SECTION_PARAMETER || config_variable_name_is_valid(name, strlen(name)));

        if (!*name)
                diagnostics_error(parser->diagnostics, parser->path, line, "[%s] has no name; write [%s NAME]",
                                  sections[section].word, sections[section].word);
        else if (section == SECTION_PARAMETER && streq(name, "item"))
                diagnostics_error(parser->diagnostics, parser->path, line,
                                  "a parameter cannot be called item: ${item} is a step's item; choose another name");
        else if (valid)
                return true;
        else if (section == SECTION_PARAMETER)
                diagnostics_error(parser->diagnostics, parser->path, line,
                                  "\"%s\" is no name for a parameter; it takes letters, digits and _, at most 64, and "
                                  "does not begin with a digit",
                                  shown);
        else
                diagnostics_error(parser->diagnostics, parser->path, line,
                                  "\"%s\" is no name for a %s; it takes letters, digits, _ - and ., at most 64, and "
                                  "begins with none of - .",
                                  shown, section == SECTION_MODE ? "mode" : "step");
        return false;
}

static bool find_section(struct job_parser *parser, char *header, unsigned line, enum job_section *ret,
                         char **ret_name) {
        char *name = header + strcspn(header, " \t");

        if (*name)
                *name++ = '\0';
        *ret_name = strstrip(name);
        for (int i = 0; i < _SECTION_MAX; i++)
                if (streq(sections[i].word, header)) {
                        *ret = (enum job_section)i;
                        if (sections[i].named)
                                return section_name_is_valid(parser, *ret, *ret_name, line);
                        if (!**ret_name)
                                return true;
                        diagnostics_error(parser->diagnostics, parser->path, line,
                                          "[%s] takes no name; the job is named by its file", header);
                        return false;
                }
        refuse_section(parser, header, line);
        return false;
}

static void refuse_too_many(struct job_parser *parser, enum job_section section, unsigned line) {
        parser->sections_are_left_out = true;
        if (parser->is_too_many_told[section])
                return;
        parser->is_too_many_told[section] = true;
        diagnostics_error(parser->diagnostics, parser->path, line, "more than %zu sections [%s NAME]; split the job",
                          sections[section].max, sections[section].word);
}

static void open_section(struct job_parser *parser, const struct unit_token *token) {
        enum job_section section;
        struct place *header;
        char *name;
        size_t found;

        parser->current = SIZE_MAX;
        if (!token->name || !find_section(parser, token->name, token->line, &section, &name)) {
                parser->sections_are_left_out = true;
                return;
        }
        found = find_object(parser, section, name);
        if (found == SIZE_MAX) {
                if (section_count(parser->job, section) >= sections[section].max) {
                        refuse_too_many(parser, section, token->line);
                        return;
                }
                append_data(parser->job, section, name);
                found = append_object(parser, section, section_count(parser->job, section) - 1);
        }
        header = &parser->objects[found].header;
        if (header->path == parser->path)
                diagnostics_error(parser->diagnostics, parser->path, token->line,
                                  "section [%s%s%s] is there twice; merge it with that in line %u",
                                  sections[section].word, *name ? " " : "", name, header->line);
        *header = (struct place){parser->path, token->line};
        parser->current = found;
}

/* The place of the object's assignment to a key; made where there is none. */
static struct place *key_place(struct parsed_object *object, const char *key) {
        for (size_t i = 0; i < object->n_keys; i++)
                if (streq(object->keys[i].key, key))
                        return &object->keys[i].place;
        object->keys = xreallocarray(object->keys, object->n_keys + 1, sizeof(*object->keys));
        object->keys[object->n_keys] = (struct key_place){.key = key};
        return &object->keys[object->n_keys++].place;
}

/* The places of the words of After= and Steps=, beside the list itself. */
static void keep_word_places(struct job_parser *parser, struct parsed_object *object, char *const *list,
                             unsigned line) {
        size_t n = strv_length(list);

        object->words = xreallocarray(object->words, n + 1, sizeof(*object->words));
        for (size_t i = object->n_words; i < n; i++)
                object->words[i] = (struct place){parser->path, line};
        object->n_words = n;
}

static void assign(struct job_parser *parser, const struct unit_token *token) {
        struct parsed_object *object = &parser->objects[parser->current];
        const char *word = sections[object->section].word;
        const struct config_key *key = config_key_find(&job_key_table, word, token->name);
        char *data = object_data(parser->job, object->section, object->index);
        struct config_context context;
        struct place *place;

        if (!key) {
                config_key_unknown(&job_key_table, word, token->name, parser->path, token->line, parser->diagnostics);
                return;
        }
        context = (struct config_context){
                .key = key, .path = parser->path, .line = token->line, .diagnostics = parser->diagnostics};
        key->parse(&context, token->value, data + key->offset,
                   (const char *)sections[object->section].defaults + key->offset);
        place = key_place(object, key->name);
        if (!key->is_list && place->path == parser->path && *token->value)
                diagnostics_warning(parser->diagnostics, parser->path, token->line,
                                    "%s= is there twice; the value in line %u does not count", key->name, place->line);
        *place = *token->value ? (struct place){parser->path, token->line} : (struct place){0};
        if (key->parse == job_parse_after)
                keep_word_places(parser, object, ((struct step *)(void *)data)->after, token->line);
        else if (key->parse == job_parse_steps)
                keep_word_places(parser, object, ((struct mode *)(void *)data)->steps, token->line);
}

static void read_source(struct job_parser *parser, const struct source_text *source) {
        struct unit_lexer lexer;
        struct unit_token token;
        bool any_section = false;

        parser->path = source->path;
        parser->current = SIZE_MAX;
        unit_lexer_init(&lexer, source->path, source->text, source->len, parser->diagnostics);
        while (unit_lexer_next(&lexer, &token)) {
                if (token.type == UNIT_SECTION) {
                        any_section = true;
                        open_section(parser, &token);
                } else if (parser->current != SIZE_MAX) {
                        assign(parser, &token);
                } else if (!any_section) {
                        diagnostics_error(parser->diagnostics, source->path, token.line,
                                          "an assignment before the first section; begin the file with [Job]");
                        any_section = true;
                }
        }
        unit_lexer_done(&lexer);
}

static void hash_sources(const struct source_text *sources, size_t n_sources, char ret[static 17]) {
        uint64_t hash = FNV64_START;

        for (size_t i = 0; i < n_sources; i++) {
                hash = fnv64(hash, sources[i].text, sources[i].len);
                hash = fnv64(hash, "", 1);
        }
        (void)snprintf(ret, 17, "%016" PRIx64, hash);
}

static void parser_done(struct job_parser *parser) {
        for (size_t i = 0; i < parser->n_objects; i++) {
                free(parser->objects[i].keys);
                free(parser->objects[i].words);
        }
        free(parser->objects);
        job_unref(parser->job);
}

/* What is not written but follows. */
static void complete_job(struct job *job) {
        if (!job->type)
                job->type = xstrdup(job->name);
        if (!job->default_mode && job->n_modes == 1)
                job->default_mode = xstrdup(job->modes[0].name);
}

int job_parse(struct job **ret, const char *name, const struct source_text *sources, size_t n_sources,
              struct diagnostics *diagnostics) {
        struct job_parser parser = {.job = job_new(name), .diagnostics = diagnostics};
        size_t errors_before = diagnostics->n_errors, count_before = diagnostics->count;

        (void)append_object(&parser, SECTION_JOB, 0);
        parser.job->path = xstrdup(n_sources > 0 ? sources[0].path : name);
        if (!name_is_valid(name)) {
                _cleanup_free_ char *shown = utf8_escape(name, strlen(name), SHOWN);

                diagnostics_error(diagnostics, parser.job->path, 0,
                                  "\"%s\" is no name for a job; a file NAME.job takes letters, digits, _ - and . in "
                                  "NAME, at most 64",
                                  shown);
        }
        for (size_t i = 0; i < n_sources; i++)
                read_source(&parser, &sources[i]);
        hash_sources(sources, n_sources, parser.job->definition_hash);
        complete_job(parser.job);
        job_check(&parser);
        if (diagnostics->n_errors == errors_before)
                job_lint(&parser);
        diagnostics_sort(diagnostics, count_before);
        if (diagnostics->n_errors == errors_before)
                *ret = STEAL_PTR(parser.job);
        parser_done(&parser);
        return diagnostics->n_errors == errors_before ? 0 : -EINVAL;
}

struct place job_place_of(const struct parsed_object *object, const char *key) {
        for (size_t i = 0; i < object->n_keys; i++)
                if (object->keys[i].place.path && streq(object->keys[i].key, key))
                        return object->keys[i].place;
        return object->header;
}

bool job_key_is_set(const struct parsed_object *object, const char *key) {
        for (size_t i = 0; i < object->n_keys; i++)
                if (object->keys[i].place.path && streq(object->keys[i].key, key))
                        return true;
        return false;
}

const struct parsed_object *job_parsed_object(const struct job_parser *parser, enum job_section section, size_t index) {
        for (size_t i = 0; i < parser->n_objects; i++)
                if (parser->objects[i].section == section && parser->objects[i].index == index)
                        return &parser->objects[i];
        return &parser->objects[0];
}
