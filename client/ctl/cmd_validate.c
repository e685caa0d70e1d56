/* batchctl validate: what is wrong with job files, before they are installed. The daemon's own program reads them, so
 * that what is found is what a reload would find; no daemon has to run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fileutil.h"
#include "strutil.h"
#include "strv.h"
#include "verb.h"
#include "xalloc.h"

struct validate_options {
        const char *config;
};

static const struct option_row rows[] = {
        {.name = "config",
         .value = "FILE",
         .help = "Without FILEs: everything that this batchd.conf names, instead of the system's",
         .kind = OPTION_STRING,
         .offset = offsetof(struct validate_options, config)},
        {0},
};

/* batchd beside this program, where both are installed; else the one in $PATH. */
static char *find_batchd(void) {
        char self[4096];
        ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *slash, *path;

        self[MAX(len, (ssize_t)0)] = '\0';
        slash = strrchr(self, '/');
        if (!slash)
                return xstrdup("batchd");
        *slash = '\0';
        path = path_join(self, "batchd");
        if (access(path, X_OK) == 0)
                return path;
        free(path);
        return xstrdup("batchd");
}

static int run_validate(const struct context *context, const void *opaque, char *const *arguments) {
        const struct validate_options *options = opaque;
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *program = find_batchd();

        strv_append(&argv, "batchd");
        strv_append(&argv, "-t");
        if (context_json(context))
                strv_append(&argv, "--json");
        if (options->config) {
                strv_append(&argv, "--config");
                strv_append(&argv, options->config);
        }
        strv_append(&argv, "--");
        STRV_FOREACH (file, arguments)
                strv_append(&argv, *file);
        (void)execvp(program, argv);
        context_complain(context, "install batchd, or put its folder into PATH: it reads the files (%s: %s)", program,
                         strerror(errno));
        return EXIT_UNREACHABLE;
}

const struct verb verb_validate = {
        .name = "validate",
        .arguments = "[FILE...]",
        .max_arguments = 1000,
        .summary = "Check job files before they are installed, or all of the configuration",
        .examples = "  batchctl validate nightly.job\n  batchctl validate jobs.d/*.job -o json\n  batchctl validate\n",
        .details = "Every mistake is told as file:line with what would be right, and what is likely not meant as a "
                   "warning. The exit status is 1 when there is an error. No daemon has to run.",
        .options = rows,
        .options_size = sizeof(struct validate_options),
        .run = run_validate,
};
