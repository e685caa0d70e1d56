/* batchd.conf and its drop-ins. A section is [Daemon], or one that has a name and may be there several times. The
 * manual batchd.conf(5) has a paragraph for each key; a test compares. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
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
        .alerts_on = true,
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

static const char *const method_words[] = {"POST", "PUT", "GET", NULL};

/* unsigned: bits of enum alert_event. */
static void parse_events(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        _cleanup_strv_ char **words = NULL;
        unsigned *events = target;

        if (!*value)
                *events = *(const unsigned *)otherwise;
        if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words) {
                unsigned event = 0;

                while (event < _ALERT_EVENT_MAX && !streq(alert_event_to_string(event), *word))
                        event++;
                if (event == _ALERT_EVENT_MAX)
                        config_complain(
                                context,
                                "\"%.64s\" does not fit; it takes failure, partial, recovery, deadline, breaker, "
                                "slow and success",
                                *word);
                else
                        *events |= 1U << event;
        }
}

static void parse_url(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        if (*value && !startswith(value, "https://") && !startswith(value, "http://"))
                config_complain(context, "an address begins with https:// or http://");
        else
                config_parse_text(context, value, target, otherwise);
}

static void parse_template(const struct config_context *context, const char *value, void *target,
                           const void *otherwise) {
        _cleanup_free_ char *error = NULL;

        if (alert_template_check(value, &error) < 0)
                config_complain(context, "%s", error);
        else
                config_parse_text(context, value, target, otherwise);
}

/* A line of its own each: they have blanks. */
static void parse_header(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        char ***headers = target;
        size_t name = strcspn(value, ": \t");

        if (!*value)
                *headers = strv_free(*headers);
        else if (name == 0 || value[name] != ':')
                config_complain(context, "a header is \"Name: value\"");
        else if (strv_length(*headers) >= ALERT_HEADERS_MAX)
                config_complain(context, "more than %d headers", ALERT_HEADERS_MAX);
        else
                strv_append(headers, value);
}

/* Names of credentials are names of files in one folder. */
static void parse_credential(const struct config_context *context, const char *value, void *target,
                             const void *otherwise) {
        if (*value && !name_is_valid(value))
                config_complain(context, "it takes the name that LoadCredential= gives, without a path");
        else
                config_parse_text(context, value, target, otherwise);
}

static void parse_credentials(const struct config_context *context, const char *value, void *target,
                              const void *otherwise) {
        _cleanup_strv_ char **words = NULL;

        if (!*value)
                *(char ***)target = strv_free(*(char ***)target);
        if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words)
                if (name_is_valid(*word))
                        strv_append(target, *word);
                else
                        config_complain(context, "it takes the names that LoadCredential= gives, without paths");
}

#define IN_LIMIT(member) .section = "Limit", .offset = offsetof(struct limit, member)
#define IN_ALERT(member) .section = "Alert", .offset = offsetof(struct alert, member)
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
        {.name = "Alerts", IN_DAEMON(alerts_on), .parse = config_parse_bool, .help = "whether anybody is told at all"},
        {.name = "AlertPath", IN_DAEMON(alert_path), .parse = config_parse_path, .help = "the batch-alert program"},
        {.name = "SqlDirectory", IN_DAEMON(sql_directory), .parse = config_parse_path, .help = "folder with the migrations"},

        {.name = "Slots", IN_LIMIT(slots), .parse = config_parse_unsigned, .minimum = 0, .maximum = 1000000, .help = "how many may hold it at once; 0 closes it"},

        {.name = "Url", IN_ALERT(url), .parse = parse_url, .help = "where messages are sent to"},
        {.name = "UrlCredential", IN_ALERT(url_credential), .parse = parse_credential, .help = "credential that holds the address"},
        {.name = "Command", IN_ALERT(command), .parse = config_parse_command, .help = "command that is run instead"},
        {.name = "Method", IN_ALERT(method), .parse = config_parse_enum, .words = method_words, .help = "how messages are sent"},
        {.name = "Body", IN_ALERT(body), .parse = parse_template, .help = "template of a message; all facts as JSON unless said"},
        {.name = "ContentType", IN_ALERT(content_type), .parse = config_parse_text, .help = "of the body"},
        {.name = "Header", IN_ALERT(headers), .parse = parse_header, .is_list = true, .help = "further header lines"},
        {.name = "HeaderCredential", IN_ALERT(header_credentials), .parse = parse_credentials, .is_list = true, .help = "credentials that hold header lines"},
        {.name = "On", IN_ALERT(on), .parse = parse_events, .is_list = true, .help = "what is told"},
        {.name = "Jobs", IN_ALERT(jobs), .parse = config_parse_words, .is_list = true, .help = "patterns of jobs that need not name the alert"},
        {.name = "RepeatSec", IN_ALERT(repeat), .parse = config_parse_span, .help = "the same again is told no sooner"},
        {.name = "TimeoutSec", IN_ALERT(timeout), .parse = config_parse_limit_span, .help = "longest time for one attempt"},
        {.name = "Retries", IN_ALERT(retries), .parse = config_parse_unsigned, .minimum = 0, .maximum = 100, .help = "attempts after the first"},
};
/* clang-format on */

const struct config_table daemon_key_table = {
        .keys = daemon_keys, .n_keys = ELEMENTSOF(daemon_keys), .file = "batchd.conf"};

static const struct limit limit_defaults = {.slots = 1};

/* The section that is open. */
struct section {
        const char *word; /* NULL: none, or one that has been refused */
        void *data;
        const void *defaults;
};

static void assign(const struct section *section, const struct unit_token *token, const char *path,
                   struct diagnostics *diagnostics) {
        const struct config_key *key = config_key_find(&daemon_key_table, section->word, token->name);
        struct config_context context = {.key = key, .path = path, .line = token->line, .diagnostics = diagnostics};

        if (!key)
                config_key_unknown(&daemon_key_table, section->word, token->name, path, token->line, diagnostics);
        else
                key->parse(&context, token->value, (char *)section->data + key->offset,
                           (const char *)section->defaults + key->offset);
}

static struct section open_alert(struct daemon_config *config, const char *name) {
        struct section section = {.word = "Alert", .defaults = &alert_defaults};

        for (size_t i = 0; i < config->n_alerts; i++)
                if (streq(config->alerts[i].name, name))
                        section.data = &config->alerts[i];
        if (!section.data) {
                config->alerts = xreallocarray(config->alerts, config->n_alerts + 1, sizeof(*config->alerts));
                config->alerts[config->n_alerts] = alert_defaults;
                config->alerts[config->n_alerts].name = xstrdup(name);
                section.data = &config->alerts[config->n_alerts++];
        }
        return section;
}

static struct section open_limit(struct daemon_config *config, const char *name) {
        struct limit_set *set = &config->limits;
        const struct limit *found = limit_set_find(set, name);

        if (!found) {
                set->items = xreallocarray(set->items, set->count + 1, sizeof(*set->items));
                found = &set->items[set->count++];
                set->items[found - set->items] = limit_defaults;
                set->items[found - set->items].name = xstrdup(name);
        }
        return (struct section){"Limit", &set->items[found - set->items], &limit_defaults};
}

/* The sections that have a name. The same name in a further file is the same thing. */
static struct section open_named(struct daemon_config *config, const char *word, const char *name) {
        return streq(word, "Alert") ? open_alert(config, name) : open_limit(config, name);
}

static struct section open_section(struct daemon_config *config, char *header, unsigned line, const char *path,
                                   struct diagnostics *diagnostics) {
        char *name = header + strcspn(header, " \t");
        size_t max, count;
        bool is_alert;

        if (*name)
                *name++ = '\0';
        name = strstrip(name);
        is_alert = streq(header, "Alert");
        max = is_alert ? ALERTS_MAX : LIMITS_MAX;
        count = is_alert ? config->n_alerts : config->limits.count;
        if (streq(header, "Daemon") && !*name)
                return (struct section){"Daemon", config, &config_defaults};
        if (!is_alert && !streq(header, "Limit")) {
                _cleanup_free_ char *shown = utf8_escape(header, strlen(header), 64);

                diagnostics_error(diagnostics, path, line,
                                  "unknown section [%s]; batchd.conf has [Daemon], [Limit NAME] and [Alert NAME]",
                                  shown);
        } else if (!name_is_valid(name)) {
                diagnostics_error(diagnostics, path, line,
                                  "[%s]: write [%s NAME]; a name takes letters, digits, _ - and ., at most 64, and "
                                  "begins with none of - .",
                                  header, header);
        } else if (count >= max) {
                diagnostics_error(diagnostics, path, line, "more than %zu sections [%s NAME]", max, header);
        } else {
                return open_named(config, header, name);
        }
        return (struct section){0};
}

static void read_source(struct daemon_config *config, const struct source_text *source,
                        struct diagnostics *diagnostics) {
        struct unit_lexer lexer;
        struct unit_token token;
        struct section section = {0};
        bool any_section = false;

        unit_lexer_init(&lexer, source->path, source->text, source->len, diagnostics);
        while (unit_lexer_next(&lexer, &token)) {
                if (token.type == UNIT_SECTION) {
                        any_section = true;
                        section = (struct section){0};
                        if (token.name)
                                section = open_section(config, token.name, token.line, source->path, diagnostics);
                } else if (section.word) {
                        assign(&section, &token, source->path, diagnostics);
                } else if (!any_section) {
                        diagnostics_error(diagnostics, source->path, token.line,
                                          "an assignment before the first section; begin the file with [Daemon]");
                        any_section = true;
                }
        }
        unit_lexer_done(&lexer);
}

static void check_alert(const struct alert *alert, const char *path, struct diagnostics *diagnostics) {
        int ways = (alert->url != NULL) + (alert->url_credential != NULL) + (alert->command != NULL);

        if (ways == 0)
                diagnostics_error(diagnostics, path, 0,
                                  "[Alert %s] tells nobody; write Url=, UrlCredential= or Command=", alert->name);
        else if (ways > 1)
                diagnostics_error(diagnostics, path, 0,
                                  "[Alert %s] has more than one of Url=, UrlCredential= and Command=; keep one, and "
                                  "write a second [Alert] for the other",
                                  alert->name);
        if (alert->command && (alert->body || alert->headers || alert->header_credentials))
                diagnostics_error(diagnostics, path, 0,
                                  "[Alert %s]: Body= and Header= are for messages that are sent; a command finds the "
                                  "facts in its environment",
                                  alert->name);
}

int daemon_config_parse(struct daemon_config *ret, const struct source_text *sources, size_t n_sources,
                        struct diagnostics *diagnostics) {
        struct daemon_config config = config_defaults;
        size_t errors_before = diagnostics->n_errors;

        for (size_t i = 0; i < n_sources; i++)
                read_source(&config, &sources[i], diagnostics);
        for (size_t i = 0; i < config.n_alerts; i++)
                check_alert(&config.alerts[i], sources[0].path, diagnostics);
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
        free(config->alert_path);
        for (size_t i = 0; i < config->n_alerts; i++)
                alert_done(&config->alerts[i]);
        free(config->alerts);
        limit_set_done(&config->limits);
        *config = (struct daemon_config){0};
}
