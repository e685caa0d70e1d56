/* batchd's command line. */
#pragma once

#include <stdbool.h>

enum action { ACTION_RUN, ACTION_CHECK, ACTION_AFTER_STOP, ACTION_EXIT };

struct options {
        enum action action;
        const char *config_file; /* --config; NULL: where systemd or the user's folders say */
        char **files;            /* job files to check, of argv; NULL: everything */
        bool json;
        int exit_status; /* of ACTION_EXIT */
};

/* Prints help, version and usage errors itself; those end in ACTION_EXIT. */
struct options options_parse(int argc, char **argv);
