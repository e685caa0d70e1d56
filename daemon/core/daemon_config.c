/* batchd.conf and its drop-ins. The manual batchd.conf(5) has a paragraph for each key; a test compares. */
#include <errno.h>
#include <stdlib.h>

#include "config_value.h"
#include "job_file.h"
#include "log.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"
#include "unit_lexer.h"
#include "utf8.h"
#include "xalloc.h"

static const struct daemon_config config_defaults = {
        .actions_per_minute = 5,
        .log_level = LOG_LEVEL_INFO,
        .log_rotate_size = (uint64_t)10 * 1024 * 1024,
        .log_rotate_keep = 5,
        /* A year of a job that runs each five minutes. */
        .keep = {.age = 366 * USEC_PER_DAY, .runs = 100000, .bytes = (uint64_t)10 * 1024 * 1024 * 1024},
};

static const char *const format_words[] = {"text", "json", NULL};
static const char *const target_words[] = {"journal", "console", "file", NULL};

static void parse_log_level(const struct config_context *context, const char *value, void *target,
                            const void *otherwise) {
        int level = *value ? log_level_from_string(value) : *(const int *)otherwise;

        if (level < 0)
                config_complain(context,
                                "\"%.64s\" does not fit; it takes one of debug, info, notice, warning, err, crit",
                                value);
        else
                *(int *)target = level;
}

static void parse_log_format(const struct config_context *context, const char *value, void *target,
                             const void *otherwise) {
        int format = *(bool *)target;

        config_parse_enum(context, value, &format, &(const int){0});
        *(bool *)target = format == 1;
}

static void parse_log_target(const struct config_context *context, const char *value, void *target,
                             const void *otherwise) {
        int chosen = -1;

        config_parse_enum(context, value, &chosen, &chosen);
        if (chosen >= 0 || !*value)
                config_parse_text(context, value, target, otherwise);
}

#define IN_DAEMON(member) .section = "Daemon", .offset = offsetof(struct daemon_config, member)

/* clang-format off */
static const struct config_key daemon_keys[] = {
        {.name = "Database", IN_DAEMON(database), .parse = config_parse_text, .help = "libpq conninfo of the mirror"},
        {.name = "ActionsPerMinute", IN_DAEMON(actions_per_minute), .parse = config_parse_unsigned, .minimum = 1, .maximum = 1000000, .help = "actions that one user may take in a minute"},
        {.name = "LogLevel", IN_DAEMON(log_level), .parse = parse_log_level, .help = "least important messages that are kept"},
        {.name = "LogFormat", IN_DAEMON(log_json), .parse = parse_log_format, .words = format_words, .help = "text or JSON lines"},
        {.name = "LogTarget", IN_DAEMON(log_target), .parse = parse_log_target, .words = target_words, .help = "where messages go"},
        {.name = "LogFile", IN_DAEMON(log_file), .parse = config_parse_path, .help = "file of LogTarget=file"},
        {.name = "LogRotateSize", IN_DAEMON(log_rotate_size), .parse = config_parse_bytes, .help = "size at which the file is rotated"},
        {.name = "LogRotateKeep", IN_DAEMON(log_rotate_keep), .parse = config_parse_unsigned, .minimum = 0, .maximum = 1000, .help = "rotated files that are kept"},
        {.name = "Keep", IN_DAEMON(keep), .parse = config_parse_keep, .help = "how much of all ended runs stays"},
        {.name = "TrustedClients", IN_DAEMON(trusted_clients), .parse = config_parse_words, .is_list = true, .help = "users whose clients may speak for others"},
        {.name = "WatchGroup", IN_DAEMON(watch_group), .parse = config_parse_text, .help = "group that may watch"},
        {.name = "ActGroup", IN_DAEMON(act_group), .parse = config_parse_text, .help = "group that may act"},
        {.name = "HostName", IN_DAEMON(mirror_host), .parse = config_parse_text, .help = "name of this machine in the records"},
        {.name = "StateDirectory", IN_DAEMON(state_directory), .parse = config_parse_path, .help = "state.db, logs and attempts"},
        {.name = "RuntimeDirectory", IN_DAEMON(runtime_directory), .parse = config_parse_path, .help = "sockets"},
        {.name = "JobsDirectory", IN_DAEMON(jobs_directories), .parse = config_parse_paths, .is_list = true, .help = "folders with job files; the first that has a name wins"},
        {.name = "RunnerPath", IN_DAEMON(runner_path), .parse = config_parse_path, .help = "the batch-runner program"},
        {.name = "SqlDirectory", IN_DAEMON(sql_directory), .parse = config_parse_path, .help = "folder with the migrations"},
};
/* clang-format on */

const struct config_table daemon_key_table = {
        .keys = daemon_keys, .n_keys = ELEMENTSOF(daemon_keys), .file = "batchd.conf"};

static void assign(struct daemon_config *config, const struct unit_token *token, const char *path,
                   struct diagnostics *diagnostics) {
        const struct config_key *key = config_key_find(&daemon_key_table, "Daemon", token->name);
        struct config_context context = {.key = key, .path = path, .line = token->line, .diagnostics = diagnostics};

        if (!key)
                config_key_unknown(&daemon_key_table, "Daemon", token->name, path, token->line, diagnostics);
        else
                key->parse(&context, token->value, (char *)config + key->offset,
                           (const char *)&config_defaults + key->offset);
}

static void refuse_section(const char *name, const char *path, unsigned line, struct diagnostics *diagnostics) {
        _cleanup_free_ char *shown = utf8_escape(name, strlen(name), 64);

        diagnostics_error(diagnostics, path, line, "unknown section [%s]; batchd.conf has [Daemon]", shown);
}

static void read_source(struct daemon_config *config, const struct source_text *source,
                        struct diagnostics *diagnostics) {
        struct unit_lexer lexer;
        struct unit_token token;
        bool any_section = false, in_daemon = false;

        unit_lexer_init(&lexer, source->path, source->text, source->len, diagnostics);
        while (unit_lexer_next(&lexer, &token)) {
                if (token.type == UNIT_SECTION) {
                        any_section = true;
                        in_daemon = token.name && streq(token.name, "Daemon");
                        if (token.name && !in_daemon)
                                refuse_section(token.name, source->path, token.line, diagnostics);
                } else if (in_daemon) {
                        assign(config, &token, source->path, diagnostics);
                } else if (!any_section) {
                        diagnostics_error(diagnostics, source->path, token.line,
                                          "an assignment before the first section; begin the file with [Daemon]");
                        any_section = true;
                }
        }
        unit_lexer_done(&lexer);
}

int daemon_config_parse(struct daemon_config *ret, const struct source_text *sources, size_t n_sources,
                        struct diagnostics *diagnostics) {
        struct daemon_config config = config_defaults;
        size_t errors_before = diagnostics->n_errors;

        for (size_t i = 0; i < n_sources; i++)
                read_source(&config, &sources[i], diagnostics);
        if (diagnostics->n_errors != errors_before) {
                daemon_config_done(&config);
                return -EINVAL;
        }
        if (!config.watch_group)
                config.watch_group = xstrdup("batchd");
        if (!config.act_group)
                config.act_group = xstrdup("batchd-admin");
        *ret = config;
        return 0;
}

void daemon_config_done(struct daemon_config *config) {
        free(config->database);
        free(config->log_target);
        free(config->log_file);
        strv_free(config->trusted_clients);
        free(config->watch_group);
        free(config->act_group);
        free(config->mirror_host);
        free(config->state_directory);
        free(config->runtime_directory);
        strv_free(config->jobs_directories);
        free(config->runner_path);
        free(config->sql_directory);
        *config = (struct daemon_config){0};
}
