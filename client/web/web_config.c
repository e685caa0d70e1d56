#include "web_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "fileutil.h"
#include "log.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"
#include "unit_lexer.h"
#include "utf8.h"
#include "web_paths.h"
#include "xalloc.h"

#define CONFIG_MAX ((size_t)1024 * 1024)

static const struct web_config defaults = {.page = true,
                                           .stream = true,
                                           .log_level = LOG_LEVEL_INFO,
                                           .actions_per_minute = 5,
                                           .session_lifetime = 12 * USEC_PER_HOUR};

static const char *const read_access_words[] = {"open", "login", NULL};
static const char *const level_words[] = {"crit", "err", "warning", "notice", "info", "debug", NULL};

/* The words stand in the order of syslog's priorities, from LOG_LEVEL_CRIT on. */
static void parse_level(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        int index = -1;

        config_parse_enum(context, value, &index, &(const int){*(const int *)otherwise - LOG_LEVEL_CRIT});
        if (index >= 0)
                *(int *)target = index + LOG_LEVEL_CRIT;
}

static void parse_prefix(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        size_t len = strlen(value);

        if (*value && (*value != '/' || value[len - 1] == '/' || strpbrk(value, "%?#;\"\\ ")))
                config_complain(context, "\"%.64s\" does not fit; it takes a path like /batch", value);
        else
                config_parse_text(context, value, target, otherwise);
}

#define IN_WEB(member) .section = "Web", .offset = offsetof(struct web_config, member)

/* clang-format off */
static const struct config_key web_keys[] = {
        {.name = "Listen", IN_WEB(listen), .parse = config_parse_words, .is_list = true, .help = "addresses to listen on"},
        {.name = "Socket", IN_WEB(socket), .parse = config_parse_path, .help = "control socket of batchd"},
        {.name = "Page", IN_WEB(page), .parse = config_parse_bool, .help = "serve the status page"},
        {.name = "PageDirectory", IN_WEB(page_folder), .parse = config_parse_path, .help = "folder of the page's files"},
        {.name = "Stream", IN_WEB(stream), .parse = config_parse_bool, .help = "serve live streams; without them the page polls"},
        {.name = "ReadAccess", IN_WEB(read_access), .parse = config_parse_enum, .words = read_access_words, .help = "who may read: all who reach the port, or who has logged in"},
        {.name = "PasswordFile", IN_WEB(password_file), .parse = config_parse_path, .help = "file with the hash of the admin's password"},
        {.name = "TokenFile", IN_WEB(token_file), .parse = config_parse_path, .help = "file with the tokens of scripts"},
        {.name = "SessionSec", IN_WEB(session_lifetime), .parse = config_parse_limit_span, .help = "how long a login lasts without use"},
        {.name = "ActionsPerMinute", IN_WEB(actions_per_minute), .parse = config_parse_unsigned, .minimum = 1, .maximum = 1000000, .help = "actions that one client address may take in a minute"},
        {.name = "TrustedProxy", IN_WEB(trusted_proxies), .parse = config_parse_words, .is_list = true, .help = "reverse proxies whose X-Forwarded headers are believed"},
        {.name = "PathPrefix", IN_WEB(path_prefix), .parse = parse_prefix, .help = "path below which a reverse proxy shows this"},
        {.name = "LogLevel", IN_WEB(log_level), .parse = parse_level, .words = level_words, .help = "least important messages that are told"},
};
/* clang-format on */

const struct config_table web_key_table = {.keys = web_keys, .n_keys = ELEMENTSOF(web_keys), .file = "batch-web.conf"};

static void assign(struct web_config *config, const struct unit_token *token, const char *path,
                   struct diagnostics *diagnostics) {
        const struct config_key *key = config_key_find(&web_key_table, "Web", token->name);
        struct config_context context = {.key = key, .path = path, .line = token->line, .diagnostics = diagnostics};

        if (!key)
                config_key_unknown(&web_key_table, "Web", token->name, path, token->line, diagnostics);
        else
                key->parse(&context, token->value, (char *)config + key->offset, (const char *)&defaults + key->offset);
}

static void read_text(struct web_config *config, const char *path, const char *text, size_t len,
                      struct diagnostics *diagnostics) {
        struct unit_lexer lexer;
        struct unit_token token;
        bool in_web = false, any_section = false;

        unit_lexer_init(&lexer, path, text, len, diagnostics);
        while (unit_lexer_next(&lexer, &token)) {
                if (token.type == UNIT_SECTION) {
                        any_section = true;
                        in_web = token.name && streq(token.name, "Web");
                        if (token.name && !in_web) {
                                _cleanup_free_ char *shown = utf8_escape(token.name, strlen(token.name), 64);

                                diagnostics_error(diagnostics, path, token.line,
                                                  "unknown section [%s]; batch-web.conf has [Web]", shown);
                        }
                } else if (in_web) {
                        assign(config, &token, path, diagnostics);
                } else if (!any_section) {
                        diagnostics_error(diagnostics, path, token.line,
                                          "an assignment before the first section; begin the file with [Web]");
                        any_section = true;
                }
        }
        unit_lexer_done(&lexer);
}

static char *default_path(void) {
        const char *folder = getenv("CONFIGURATION_DIRECTORY");

        return folder && *folder ? xasprintf("%.*s/batch-web.conf", (int)strcspn(folder, ":"), folder)
                                 : xstrdup("/etc/batchd/batch-web.conf");
}

static void resolve_proxies(struct web_config *config, const char *path, struct diagnostics *diagnostics) {
        size_t n = strv_length(config->trusted_proxies);

        config->proxies = xcalloc(n + 1, sizeof(*config->proxies));
        STRV_FOREACH (text, config->trusted_proxies) {
                if (address_net_parse(*text, &config->proxies[config->n_proxies]) == 0)
                        config->n_proxies++;
                else
                        diagnostics_error(
                                diagnostics, path, 0,
                                "TrustedProxy=%.64s is no address; it takes one like 10.1.2.3, 10.0.0.0/8 or ::1",
                                *text);
        }
}

static void fill_in(struct web_config *config) {
        const char *socket = getenv("BATCHD_SOCKET");

        if (!config->listen)
                strv_append(&config->listen, "127.0.0.1:8420");
        if (!config->socket)
                config->socket = xstrdup(socket && *socket ? socket : "/run/batchd/control.sock");
        if (!config->page_folder)
                config->page_folder = xstrdup(INSTALL_PAGE_DIR);
}

int web_config_load(struct web_config *ret, const char *path, struct diagnostics *diagnostics) {
        _cleanup_free_ char *own_path = path ? xstrdup(path) : default_path(), *text = NULL;
        struct web_config config = defaults;
        size_t len = 0;
        int r = read_file(own_path, CONFIG_MAX, &text, &len);

        if (r < 0 && (r != -ENOENT || path)) {
                diagnostics_error(diagnostics, own_path, 0, "cannot be read: %s", strerror(-r));
                return r;
        }
        if (r == 0)
                read_text(&config, own_path, text, len, diagnostics);
        resolve_proxies(&config, own_path, diagnostics);
        if (diagnostics->n_errors > 0) {
                web_config_done(&config);
                return -EINVAL;
        }
        fill_in(&config);
        *ret = config;
        return 0;
}

void web_config_done(struct web_config *config) {
        strv_free(config->listen);
        free(config->socket);
        free(config->page_folder);
        free(config->password_file);
        free(config->token_file);
        strv_free(config->trusted_proxies);
        free(config->path_prefix);
        free(config->proxies);
        *config = (struct web_config){0};
}
