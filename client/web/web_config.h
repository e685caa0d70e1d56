/* batch-web.conf: the syntax of the daemon's own file, section [Web]. The manual batch-web.conf(5) has a paragraph for
 * each key; a test compares. */
#pragma once

#include <stdbool.h>

#include "client_address.h"
#include "config_key.h"
#include "diagnostic.h"
#include "timeutil.h"

enum read_access { READ_ACCESS_OPEN, READ_ACCESS_LOGIN };

struct web_config {
        char **listen; /* HOST:PORT */
        char *socket;  /* of batchd */
        bool page;     /* the status page is served */
        char *page_folder;
        bool stream;                      /* live streams are served */
        int read_access;                  /* enum read_access */
        unsigned actions_per_minute;      /* of one client address */
        usec_t session_lifetime;          /* without use */
        char *password_file, *token_file; /* NULL: the credentials */
        char **trusted_proxies;
        char *path_prefix;           /* "/batch"; NULL: none */
        struct address_net *proxies; /* made of trusted_proxies */
        size_t n_proxies;
        int log_level;
};

extern const struct config_table web_key_table;

/* path NULL: batch-web.conf of $CONFIGURATION_DIRECTORY or /etc/batchd, which may be missing. 0 or negative errno, with
 * everything that is wrong told. */
int web_config_load(struct web_config *ret, const char *path, struct diagnostics *diagnostics);
void web_config_done(struct web_config *config);
