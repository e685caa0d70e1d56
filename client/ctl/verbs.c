#include <stddef.h>

#include "strutil.h"
#include "verb.h"

/* A row a command. */
/* clang-format off */
const struct verb *const verbs[] = {
        &verb_run,
        &verb_status,
        &verb_tail,
        &verb_list,
        &verb_show,
        &verb_history,
        &verb_steps,
        &verb_why,
        &verb_summary,
        &verb_logs,
        &verb_audit,
        &verb_cancel,
        &verb_retry,
        &verb_backfill,
        &verb_next,
        &verb_pause,
        &verb_resume,
        &verb_drain,
        &verb_limits,
        &verb_reset,
        &verb_alerts,
        &verb_validate,
        &verb_readiness,
        &verb_reload,
        &verb_report,
        &verb_version,
        &verb_help,
        &verb_complete,
        NULL,
};
/* clang-format on */

static const char *const outputs[] = {"text", "json", NULL};

const struct option_row global_rows[] = {
        {.letter = 'o',
         .name = "output",
         .value = "text|json",
         .help = "Text for people, or one JSON document (lines of JSON when following)",
         .kind = OPTION_STRING,
         .offset = offsetof(struct global_options, output),
         .words = outputs},
        {.name = "socket",
         .value = "PATH",
         .help = "The daemon's socket; else $BATCHD_SOCKET, the user's own, the system's",
         .kind = OPTION_STRING,
         .offset = offsetof(struct global_options, socket)},
        {.name = "url",
         .value = "URL",
         .help = "Of batch-web on another machine; else $BATCHD_URL. Its token is $BATCHD_TOKEN or in $BATCHD_TOKEN_FILE",
         .kind = OPTION_STRING,
         .offset = offsetof(struct global_options, url)},
        {.name = "no-pager",
         .help = "Never show long text through a pager",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct global_options, no_pager)},
        {.name = "utc",
         .help = "Show and read times in UTC instead of the local zone",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct global_options, utc)},
        {.letter = 'q',
         .name = "quiet",
         .help = "Say nothing but errors; the exit status tells",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct global_options, quiet)},
        {.letter = 'h',
         .name = "help",
         .help = "Show help, of the command if there is one",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct global_options, help)},
        {.name = "version",
         .help = "Show the version of batchctl",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct global_options, version)},
        {0},
};

const struct verb *verb_find(const char *name) {
        for (const struct verb *const *v = verbs; *v; v++)
                if (streq((*v)->name, name))
                        return *v;
        return NULL;
}

const char *verb_suggest(const char *name) {
        const char *names[sizeof(verbs) / sizeof(verbs[0])] = {NULL};
        size_t n = 0;
        for (const struct verb *const *v = verbs; *v; v++) {
                if ((*v)->hidden)
                        continue;
                if (strlen(name) >= 2 && startswith((*v)->name, name))
                        return (*v)->name;
                names[n++] = (*v)->name;
        }
        return nearest_name(name, names);
}
