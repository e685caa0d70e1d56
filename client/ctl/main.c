#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "verb.h"
#include "xalloc.h"

static int show_help(const struct context *context, const struct verb *verb) {
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        help_append(verb, &text);
        context_show(context, &text, false);
        return EXIT_DONE;
}

static int check_count(const struct context *context, const struct verb *verb, char *const *arguments) {
        int n = 0;
        while (arguments[n])
                n++;
        if (n >= verb->min_arguments && (verb->max_arguments < 0 || n <= verb->max_arguments))
                return EXIT_DONE;
        if (n < verb->min_arguments)
                context_complain(context, "%s needs %s: batchctl %s %s", verb->name, verb->arguments, verb->name,
                                 verb->arguments);
        else
                context_complain(context, "too much behind 'batchctl %s%s%s': '%s'", verb->name,
                                 verb->arguments[0] ? " " : "", verb->arguments, arguments[verb->max_arguments]);
        return EXIT_USAGE;
}

static int run_parsed(struct context *context, const struct verb *verb, const void *options, char *const *arguments) {
        if (context->global.help)
                return show_help(context, verb);
        if (context->global.version)
                return verb_version.run(context, NULL, arguments);
        int status = check_count(context, verb, arguments);
        return status != EXIT_DONE ? status : verb->run(context, options, arguments);
}

static int run_verb(struct context *context, const struct verb *verb, int argc, char **argv) {
        if (verb->takes_all)
                return verb->run(context, NULL, argv);
        _cleanup_free_ void *options = xcalloc(1, verb->options_size + 1);
        if (verb->defaults)
                memcpy(options, verb->defaults, verb->options_size);
        struct option_target targets[2] = {{verb->options, options}, {global_rows, &context->global}};
        _cleanup_free_ char **arguments = NULL, *error = NULL;
        int used, status;
        if (options_parse(targets, verb->name, argc, argv, false, &arguments, &used, &error) < 0) {
                context_complain(context, "%s", error);
                status = EXIT_USAGE;
        } else {
                status = run_parsed(context, verb, options, arguments);
        }
        options_free(&targets[0]);
        return status;
}

static int complain_about_verb(const struct context *context, const char *name) {
        const char *near = verb_suggest(name);
        if (near)
                context_complain(context, "there is no command '%s'; did you mean '%s'?", name, near);
        else
                context_complain(context, "there is no command '%s'; 'batchctl --help' lists them", name);
        return EXIT_USAGE;
}

/* What could not be written (a full disk) must not look done to a script. */
static int check_output(const struct context *context, int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        context_complain(context, "make room: not all of the output could be written (%s)", strerror(errno));
        return status == EXIT_DONE ? EXIT_RUN_FAILED : status;
}

int main(int argc, char **argv) {
        struct context context = {0};
        term_init(&context.out, STDOUT_FILENO);
        term_init(&context.err, STDERR_FILENO);
        struct option_target targets[2] = {{NULL, NULL}, {global_rows, &context.global}};
        _cleanup_free_ char **arguments = NULL, *error = NULL;
        int used;
        if (options_parse(targets, "batchctl", argc - 1, argv + 1, true, &arguments, &used, &error) < 0) {
                context_complain(&context, "%s", error);
                return EXIT_USAGE;
        }
        const char *name = argv[1 + used];
        if (context.global.version)
                return verb_version.run(&context, NULL, arguments);
        if (!name && context.global.help)
                return show_help(&context, NULL);
        if (!name) {
                context_complain(
                        &context,
                        "say what to do: batchctl run|status|tail|list|history...; 'batchctl --help' tells more");
                return EXIT_USAGE;
        }
        const struct verb *verb = verb_find(name);
        if (!verb)
                return complain_about_verb(&context, name);
        return check_output(&context, run_verb(&context, verb, argc - used - 2, argv + used + 2));
}
