/* batch-web.conf: the syntax of the daemon's own file, section [Web]. The manual batch-web.conf(5) has a paragraph for
 * each key; a test compares. */
#pragma once

#include <stdbool.h>

#include "config_key.h"
#include "diagnostic.h"
#include "timeutil.h"

struct web_config {
        char **listen; /* HOST:PORT */
        char *socket;  /* of batchd */
        bool page;     /* the status page is served */
        char *page_folder;
        bool stream; /* live streams are served */
        int log_level;
};

extern const struct config_table web_key_table;

/* path NULL: batch-web.conf of $CONFIGURATION_DIRECTORY or /etc/batchd, which may be missing. 0 or negative errno, with
 * everything that is wrong told. */
int web_config_load(struct web_config *ret, const char *path, struct diagnostics *diagnostics);
void web_config_done(struct web_config *config);
