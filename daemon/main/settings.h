/* Where everything is, and how the daemon is set up: batchd.conf with its drop-ins, what systemd says in the
 * environment, and defaults. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "job_file.h"

struct settings {
        struct daemon_config config;
        char *config_path;
        char *state_dir;
        char *runtime_dir;
        char *socket_path;
        char **job_folders;
        char *runner_path; /* NULL: the service manager runs the launcher */
        char *sql_dir;
        char *alert_path;
        char *host;
        uid_t *trusted_uids;
        size_t n_trusted;
        gid_t watch_gid, act_gid; /* (gid_t)-1: no such group */
};

/* config_file NULL: $CONFIGURATION_DIRECTORY/batchd.conf, else the user's, else /etc/batchd/batchd.conf; a missing
 * default file is no error. 0 or negative errno; all mistakes are told to diagnostics. */
int settings_load(struct settings *ret, const char *config_file, struct diagnostics *diagnostics);
void settings_done(struct settings *settings);
