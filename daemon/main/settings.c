#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fileutil.h"
#include "install_paths.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define CONFIG_MAX ((size_t)1024 * 1024)

/* The folders of one instance: systemd's, the user's own, or one that holds everything. */
struct base_folders {
        char *config_path;
        char *folder; /* of config_path: what relative paths are relative to */
        bool own;     /* --config was given: state, runtime and jobs lie beside the file */
};

static char *folder_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
}

/* The first folder of a list as systemd gives it ("a:b"). */
static char *environment_folder(const char *name) {
        const char *value = getenv(name);

        return value && *value ? xstrndup(value, strcspn(value, ":")) : NULL;
}

static char *user_folder(const char *variable, const char *below_home) {
        const char *value = getenv(variable), *home = getenv("HOME");

        if (value && *value)
                return path_join(value, "batchd");
        return home ? xasprintf("%s/%s/batchd", home, below_home) : NULL;
}

static struct base_folders find_base(const char *config_file) {
        struct base_folders base = {0};

        if (config_file) {
                char *whole = realpath(config_file, NULL);

                base.own = true;
                base.config_path = whole ? whole : xstrdup(config_file);
                base.folder = folder_of(base.config_path);
                return base;
        }
        base.folder = environment_folder("CONFIGURATION_DIRECTORY");
        if (!base.folder && geteuid() != 0)
                base.folder = user_folder("XDG_CONFIG_HOME", ".config");
        if (!base.folder)
                base.folder = xstrdup("/etc/batchd");
        base.config_path = path_join(base.folder, "batchd.conf");
        return base;
}

static int compare_text(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* batchd.conf.d/X.conf, in the order of their names. */
static char **list_dropins(const char *config_path) {
        _cleanup_free_ char *folder = xasprintf("%s.d", config_path);
        DIR *dir = opendir(folder);
        struct dirent *entry;
        char **paths = NULL;

        if (!dir)
                return NULL;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && endswith(entry->d_name, ".conf"))
                        strv_append_take(&paths, path_join(folder, entry->d_name));
        (void)closedir(dir);
        if (paths)
                qsort(paths, strv_length(paths), sizeof(char *), compare_text);
        return paths;
}

static int read_sources(char *const *paths, bool first_required, char ***ret_texts, struct source_text *sources,
                        struct diagnostics *diagnostics) {
        size_t n = 0;

        STRV_FOREACH (path, paths) {
                char *text = NULL;
                size_t len;
                int r = read_file(*path, CONFIG_MAX, &text, &len);

                if (r == -ENOENT && path == paths && !first_required)
                        continue;
                if (r < 0) {
                        diagnostics_error(diagnostics, *path, 0, "cannot be read: %s", strerror(-r));
                        return r;
                }
                strv_append_take(ret_texts, text);
                sources[n++] = (struct source_text){.path = *path, .text = text, .len = len};
        }
        return (int)n;
}

static int load_config(struct daemon_config *ret, const struct base_folders *base, struct diagnostics *diagnostics) {
        _cleanup_strv_ char **paths = NULL, **texts = NULL, **dropins = list_dropins(base->config_path);
        _cleanup_free_ struct source_text *sources = NULL;
        int n;

        strv_append(&paths, base->config_path);
        STRV_FOREACH (path, dropins)
                strv_append(&paths, *path);
        sources = xcalloc(strv_length(paths), sizeof(*sources));
        n = read_sources(paths, base->own, &texts, sources, diagnostics);
        return n < 0 ? n : daemon_config_parse(ret, sources, (size_t)n, diagnostics);
}

/* A path of the configuration: absolute, or relative to the configuration's folder; NULL stays NULL. */
static char *resolve(const struct base_folders *base, const char *path) {
        if (!path || !*path)
                return NULL;
        return path[0] == '/' ? xstrdup(path) : path_join(base->folder, path);
}

static char *choose_folder(const struct base_folders *base, const char *configured, const char *variable,
                           const char *beside, char *users, const char *systems) {
        _cleanup_free_ char *of_user = users;
        char *path = resolve(base, configured);

        if (!path)
                path = environment_folder(variable);
        if (!path && base->own)
                path = path_join(base->folder, beside);
        if (!path && geteuid() != 0)
                path = STEAL_PTR(of_user);
        return path ? path : xstrdup(systems);
}

static void choose_folders(struct settings *settings, const struct base_folders *base) {
        const struct daemon_config *config = &settings->config;

        settings->state_dir = choose_folder(base, config->state_directory, "STATE_DIRECTORY", "state",
                                            user_folder("XDG_STATE_HOME", ".local/state"), "/var/lib/batchd");
        settings->runtime_dir = choose_folder(base, config->runtime_directory, "RUNTIME_DIRECTORY", "run",
                                              user_folder("XDG_RUNTIME_DIR", ".cache"), "/run/batchd");
        settings->socket_path = path_join(settings->runtime_dir, "control.sock");
        STRV_FOREACH (folder, config->jobs_directories)
                strv_append_take(&settings->job_folders, resolve(base, *folder));
        if (!settings->job_folders) {
                strv_append_take(&settings->job_folders, path_join(base->folder, "jobs.d"));
                if (!base->own)
                        strv_append(&settings->job_folders, INSTALL_JOBS_DIR);
        }
        settings->sql_dir = resolve(base, config->sql_directory);
        if (!settings->sql_dir)
                settings->sql_dir = xstrdup(INSTALL_SQL_DIR);
        settings->alert_path = resolve(base, config->alert_path);
        if (!settings->alert_path)
                settings->alert_path = xstrdup(INSTALL_ALERT_PATH);
        settings->runner_path = resolve(base, config->runner_path);
        /* As a service, batch-runner.service owns the launcher. */
        if (!settings->runner_path && !getenv("INVOCATION_ID"))
                settings->runner_path = xstrdup(INSTALL_RUNNER_PATH);
}

static gid_t group_of(const char *name, const char *otherwise) {
        const struct group *group = getgrnam(name ? name : otherwise);

        return group ? group->gr_gid : (gid_t)-1;
}

static void choose_callers(struct settings *settings, struct diagnostics *diagnostics) {
        settings->watch_gid = group_of(settings->config.watch_group, "batchd");
        settings->act_gid = group_of(settings->config.act_group, "batchd-admin");
        settings->trusted_uids = xcalloc(strv_length(settings->config.trusted_clients) + 1, sizeof(uid_t));
        STRV_FOREACH (name, settings->config.trusted_clients) {
                const struct passwd *user = getpwnam(*name);

                if (user)
                        settings->trusted_uids[settings->n_trusted++] = user->pw_uid;
                else
                        diagnostics_warning(diagnostics, settings->config_path, 0,
                                            "TrustedClients=: there is no user \"%s\"; it is left out", *name);
        }
}

static char *host_name(const char *configured) {
        char name[HOST_NAME_MAX + 1] = "";

        if (configured && *configured)
                return xstrdup(configured);
        (void)gethostname(name, sizeof(name) - 1);
        return xstrdup(*name ? name : "localhost");
}

int settings_load(struct settings *ret, const char *config_file, struct diagnostics *diagnostics) {
        struct base_folders base = find_base(config_file);
        struct settings settings = {.config_path = base.config_path};
        int r = load_config(&settings.config, &base, diagnostics);

        if (r == 0) {
                choose_folders(&settings, &base);
                choose_callers(&settings, diagnostics);
                settings.host = host_name(settings.config.mirror_host);
                *ret = settings;
        } else {
                settings_done(&settings);
        }
        free(base.folder);
        return r;
}

void settings_done(struct settings *settings) {
        daemon_config_done(&settings->config);
        free(settings->config_path);
        free(settings->state_dir);
        free(settings->runtime_dir);
        free(settings->socket_path);
        settings->job_folders = strv_free(settings->job_folders);
        free(settings->runner_path);
        free(settings->sql_dir);
        free(settings->alert_path);
        free(settings->host);
        free(settings->trusted_uids);
        *settings = (struct settings){0};
}
