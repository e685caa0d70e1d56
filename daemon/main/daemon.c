#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activation.h"
#include "control_server.h"
#include "engine.h"
#include "errortext.h"
#include "file_systems.h"
#include "fileutil.h"
#include "history.h"
#include "job_type.h"
#include "log.h"
#include "log_sink.h"
#include "loop.h"
#include "message_ids.h"
#include "mirror.h"
#include "notify.h"
#include "store.h"
#include "strutil.h"
#include "supervise.h"
#include "version.h"
#include "watchdog.h"
#include "xalloc.h"

/* How long the bus may take to tell a stop from a restart; the safe answer leaves runs alone. */
#define JOB_TYPE_TIMEOUT (3 * USEC_PER_SEC)
/* While runs are ended in order, systemd is asked for this much more time again and again. */
#define STOP_EXTENSION (30 * USEC_PER_SEC)
#define STATUS_INTERVAL (5 * USEC_PER_SEC)
/* Above what 500 monitors, 1,024 clients and the files of all take. */
#define DESCRIPTORS 16384

struct daemon {
        const char *config_file;
        struct settings *settings;
        struct loop *loop;
        struct notifier notifier;
        struct watchdog *watchdog;
        struct store *store;
        struct history *history;
        struct file_systems *file_systems;
        struct supervise *supervise;
        struct mirror *mirror;
        struct engine *engine;
        struct control_server *server;
        struct loop_signal *on_term, *on_int, *on_hup, *on_usr1;
        struct loop_timer *status_timer, *extend_timer;
        int listen_fd;
        bool stopping;
};

static void update_status(void *user) {
        struct daemon *daemon = user;
        _cleanup_free_ char *line = engine_status_line(daemon->engine);

        (void)notifier_status(&daemon->notifier, line);
        if (engine_active_runs(daemon->engine) > 0)
                loop_timer_arm(daemon->status_timer, STATUS_INTERVAL);
}

static void leave(void *user) {
        struct daemon *daemon = user;

        loop_exit(daemon->loop, EXIT_SUCCESS);
}

static void extend_stop(void *user) {
        struct daemon *daemon = user;

        (void)notifier_extend_timeout(&daemon->notifier, STOP_EXTENSION);
        loop_timer_arm(daemon->extend_timer, STOP_EXTENSION / 3);
}

/* On a stop runs are ended in order, and recorded as stopped; else they go on and the next daemon takes them up. */
static void shut_down(struct daemon *daemon, enum job_type why) {
        bool stop = why == JOB_TYPE_STOP || why == JOB_TYPE_SHUTDOWN;

        if (daemon->stopping)
                return;
        daemon->stopping = true;
        log_at(LOG_LEVEL_INFO, &(struct log_context){.message_id = MESSAGE_ID_DAEMON_STOPPING},
               stop ? "stopping: runs are ended" : "leaving: runs go on");
        (void)notifier_stopping(&daemon->notifier, stop ? "Ending runs" : "Restarting");
        if (daemon->server)
                control_server_stop(daemon->server, stop ? "stop" : "restart");
        /* Else systemd would keep clients waiting on the socket until the last run has ended. */
        if (stop)
                (void)notifier_remove_fd(&daemon->notifier, "control");
        if (!stop) {
                loop_exit(daemon->loop, EXIT_SUCCESS);
                return;
        }
        extend_stop(daemon);
        engine_stop(daemon->engine, why == JOB_TYPE_SHUTDOWN, leave, daemon);
}

/* systemd's job tells `systemctl stop` from `systemctl restart`; a TERM without a job leaves runs alone. */
static void on_sigterm(void *user) {
        enum job_type type = JOB_TYPE_NONE;
        int r = job_type_query(NULL, JOB_TYPE_TIMEOUT, &type);

        if (r < 0 && r != -ENODATA)
                log_warning("whether this is a stop or a restart cannot be told (%s): runs are left alone",
                            strerror(-r));
        shut_down(user, type);
}

static void on_sigint(void *user) {
        shut_down(user, JOB_TYPE_STOP);
}

static void on_sigusr1(void *user) {
        (void)user;
        (void)log_sink_reopen();
}

static void reloaded(const struct engine_error *error, struct jval *result, void *user) {
        struct daemon *daemon = user;

        if (error)
                log_error("reload failed: %s", error->message);
        if (result)
                jval_unref(result);
        (void)notifier_ready(&daemon->notifier, NULL);
}

/* What may change while it runs: log level, rate limit, retention, limits, alerts. */
static void reload_settings(struct diagnostics *diagnostics, void *user) {
        struct daemon *daemon = user;
        struct settings fresh = {0};

        if (settings_load(&fresh, daemon->config_file, diagnostics) == 0) {
                log_set_level((enum log_level)fresh.config.log_level);
                if (daemon->server)
                        control_server_set_actions_per_minute(daemon->server, fresh.config.actions_per_minute);
                engine_set_keep(daemon->engine, &fresh.config.keep);
                engine_set_limits(daemon->engine, &fresh.config.limits);
                engine_set_alerts(daemon->engine, fresh.config.alerts, fresh.config.n_alerts, fresh.config.alerts_on);
        }
        settings_done(&fresh);
}

static void on_sighup(void *user) {
        struct daemon *daemon = user;
        const struct caller caller = {.uid = getuid(), .pid = getpid(), .user = "SIGHUP"};

        (void)notifier_reloading(&daemon->notifier);
        engine_reload(daemon->engine, NULL, &caller, reloaded, daemon);
}

/* The file of LogTarget=file; new string. */
static char *log_path(const struct settings *settings) {
        return settings->config.log_file ? xstrdup(settings->config.log_file)
                                         : path_join(settings->state_dir, "log/batchd.log");
}

static bool logs_to_file(const struct settings *settings) {
        return settings->config.log_target &&
               log_target_from_string(settings->config.log_target) == (int)LOG_TARGET_FILE;
}

static int open_file_systems(struct daemon *daemon) {
        const struct settings *settings = daemon->settings;
        _cleanup_free_ char *runs = path_join(settings->state_dir, "runs"), *log = log_path(settings);
        struct file_system_use uses[] = {
                {"state", settings->state_dir},
                {"runs", runs},
                {"runtime", settings->runtime_dir},
                {"log", log},
        };

        return file_systems_new(&daemon->file_systems, daemon->loop, daemon->store, uses,
                                ELEMENTSOF(uses) - !logs_to_file(settings));
}

static int open_state(struct daemon *daemon, char **ret_error) {
        const struct settings *settings = daemon->settings;
        const struct supervise_config supervise = {
                .runtime_dir = settings->runtime_dir,
                .state_dir = settings->state_dir,
                .version = BATCHD_VERSION,
                .runner_path = settings->runner_path,
        };
        const struct mirror_config mirror = {
                .conninfo = settings->config.database,
                .host = settings->host,
                .sql_dir = settings->sql_dir,
        };
        int r = mkdir_parents(settings->runtime_dir, 0755);

        if (r < 0) {
                *ret_error = xasprintf("make %s possible to create and write: %s", settings->runtime_dir, strerror(-r));
                return r;
        }
        /* Clients pass through it whatever the umask is. */
        (void)chmod(settings->runtime_dir, 0755);
        r = store_open(&daemon->store, daemon->loop, settings->state_dir, ret_error);
        if (r == 0)
                r = history_open(&daemon->history, daemon->loop, daemon->store, ret_error);
        if (r == 0)
                r = open_file_systems(daemon);
        if (r == 0)
                r = supervise_new(&daemon->supervise, daemon->loop, &supervise, ret_error);
        if (r == 0 && mirror.conninfo && *mirror.conninfo)
                r = mirror_new(&daemon->mirror, daemon->loop, daemon->store, &mirror, ret_error);
        return r;
}

static int open_engine(struct daemon *daemon, char **ret_error) {
        const struct engine_parts parts = {
                .loop = daemon->loop,
                .store = daemon->store,
                .history = daemon->history,
                .file_systems = daemon->file_systems,
                .supervise = daemon->supervise,
                .mirror = daemon->mirror,
        };
        const struct engine_config config = {
                .state_dir = daemon->settings->state_dir,
                .job_folders = daemon->settings->job_folders,
                .version = BATCHD_VERSION,
                .alert_path = daemon->settings->alert_path,
                .alerts = daemon->settings->config.alerts,
                .n_alerts = daemon->settings->config.n_alerts,
                .alerts_on = daemon->settings->config.alerts_on,
                .host = daemon->settings->host,
                .keep = daemon->settings->config.keep,
                .limits = &daemon->settings->config.limits,
                .reload_settings = reload_settings,
                .changed = update_status,
                .changed_user = daemon,
        };

        return engine_new(&daemon->engine, &parts, &config, ret_error);
}

static int open_control(struct daemon *daemon, char **ret_error) {
        const struct settings *settings = daemon->settings;
        const struct control_config config = {
                .socket_path = settings->socket_path,
                .listen_fd = steal_fd(&daemon->listen_fd),
                .watch_gid = settings->watch_gid,
                .act_gid = settings->act_gid,
                .watch_group = settings->config.watch_group,
                .act_group = settings->config.act_group,
                .own_uid = geteuid(),
                .trusted_uids = settings->trusted_uids,
                .n_trusted = settings->n_trusted,
                .actions_per_minute = settings->config.actions_per_minute,
                .version = BATCHD_VERSION,
                .host = settings->host,
        };
        int r = control_server_new(&daemon->server, daemon->loop, daemon->engine, &config, ret_error);

        if (r == 0)
                (void)notifier_store_fd(&daemon->notifier, control_server_listen_fd(daemon->server), "control");
        return r;
}

static int open_signals(struct daemon *daemon) {
        int r = loop_signal_new(daemon->loop, &daemon->on_term, SIGTERM, on_sigterm, daemon);

        if (r == 0)
                r = loop_signal_new(daemon->loop, &daemon->on_int, SIGINT, on_sigint, daemon);
        if (r == 0)
                r = loop_signal_new(daemon->loop, &daemon->on_hup, SIGHUP, on_sighup, daemon);
        if (r == 0)
                r = loop_signal_new(daemon->loop, &daemon->on_usr1, SIGUSR1, on_sigusr1, daemon);
        if (r == 0)
                r = loop_timer_new(daemon->loop, &daemon->status_timer, update_status, daemon);
        if (r == 0)
                r = loop_timer_new(daemon->loop, &daemon->extend_timer, extend_stop, daemon);
        return r;
}

/* The loop shows its life by asking this. The thread that writes state.db has to show its own, too; but one that waits
 * for the disk would do so in a new daemon as well, which could not even say so. */
static bool is_healthy(usec_t span, void *user) {
        const struct daemon *daemon = user;

        return store_silence(daemon->store) < span || store_waits_for_disk(daemon->store);
}

static int open_all(struct daemon *daemon, bool after_stop, char **ret_error) {
        int r = loop_new(&daemon->loop);

        if (r == 0)
                r = open_signals(daemon);
        if (r == 0)
                r = open_state(daemon, ret_error);
        if (r == 0)
                r = open_engine(daemon, ret_error);
        if (r == 0 && !after_stop && (r = engine_restart_stopped(daemon->engine)) < 0)
                (void)error_set(ret_error, r, "what the machine went down under cannot be read: %s", strerror(-r));
        if (r == 0 && !after_stop)
                r = open_control(daemon, ret_error);
        if (r == 0 && !after_stop)
                r = watchdog_start(&daemon->watchdog, daemon->loop, &daemon->notifier, is_healthy, daemon);
        return r;
}

/* In the reverse order of what uses what. */
static void close_all(struct daemon *daemon) {
        daemon->watchdog = watchdog_free(daemon->watchdog);
        daemon->server = control_server_free(daemon->server);
        daemon->engine = engine_free(daemon->engine);
        daemon->mirror = mirror_free(daemon->mirror);
        daemon->supervise = supervise_free(daemon->supervise);
        daemon->file_systems = file_systems_free(daemon->file_systems);
        daemon->history = history_close(daemon->history);
        daemon->store = store_close(daemon->store);
        daemon->status_timer = loop_timer_free(daemon->status_timer);
        daemon->extend_timer = loop_timer_free(daemon->extend_timer);
        daemon->on_term = loop_signal_free(daemon->on_term);
        daemon->on_int = loop_signal_free(daemon->on_int);
        daemon->on_hup = loop_signal_free(daemon->on_hup);
        daemon->on_usr1 = loop_signal_free(daemon->on_usr1);
        daemon->loop = loop_free(daemon->loop);
        if (daemon->listen_fd >= 0)
                (void)close(daemon->listen_fd);
        notifier_done(&daemon->notifier);
}

static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)DESCRIPTORS);
        (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int setup_log(const struct settings *settings, char **ret_error) {
        const struct daemon_config *config = &settings->config;
        _cleanup_free_ char *path = log_path(settings);
        struct log_sink_config sink = {
                .target = log_target_default(),
                .layout = config->log_json ? LOG_LAYOUT_JSON : LOG_LAYOUT_TEXT,
                .path = path,
                .rotate_size = config->log_rotate_size,
                .rotate_keep = config->log_rotate_keep,
                .identifier = "batchd",
        };

        if (config->log_target)
                sink.target = (enum log_target)log_target_from_string(config->log_target);
        if (sink.target == LOG_TARGET_FILE) {
                _cleanup_free_ char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
                int r = mkdir_parents(folder, 0700);

                if (r < 0) {
                        *ret_error = xasprintf("make %s possible to create: %s", folder, strerror(-r));
                        return r;
                }
        }
        log_set_level((enum log_level)config->log_level);
        return log_sink_setup(&sink, ret_error);
}

/* Why the unit ends: --after-stop has something to do only when it is being stopped. */
static enum job_type why_stopped(void) {
        enum job_type type = JOB_TYPE_NONE;

        return job_type_query(NULL, JOB_TYPE_TIMEOUT, &type) == 0 ? type : JOB_TYPE_NONE;
}

int daemon_run(const char *config_file, struct settings *settings, bool after_stop) {
        struct daemon daemon = {.config_file = config_file, .settings = settings, .listen_fd = -1};
        _cleanup_free_ char *error = NULL;
        enum job_type why = after_stop ? why_stopped() : JOB_TYPE_NONE;
        int r;

        if (after_stop && why != JOB_TYPE_STOP && why != JOB_TYPE_SHUTDOWN)
                return EXIT_SUCCESS;
        (void)signal(SIGPIPE, SIG_IGN);
        (void)umask(0077);
        raise_descriptor_limit();
        (void)notifier_init(&daemon.notifier);
        if (!after_stop)
                (void)activation_take_socket("control", &daemon.listen_fd, NULL);
        r = setup_log(settings, &error);
        if (r == 0)
                r = open_all(&daemon, after_stop, &error);
        if (r == 0) {
                if (!after_stop)
                        log_at(LOG_LEVEL_INFO, &(struct log_context){.message_id = MESSAGE_ID_DAEMON_STARTED},
                               "batchd %s serves %s", BATCHD_VERSION, settings->socket_path);
                update_status(&daemon);
                (void)notifier_ready(&daemon.notifier, NULL);
                if (after_stop)
                        shut_down(&daemon, why);
                r = loop_run(daemon.loop);
        } else {
                log_error("%s", str_or(error, strerror(-r)));
        }
        close_all(&daemon);
        log_sink_done();
        return r < 0 ? EXIT_FAILURE : r;
}
