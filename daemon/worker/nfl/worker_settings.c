#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "errorclass.h"
#include "errortext.h"
#include "fileutil.h"
#include "strutil.h"
#include "worker_settings.h"
#include "xalloc.h"

#define DEFAULT_BASE_URL "https://tank01-nfl-live-in-game-real-time-statistics-nfl.p.rapidapi.com"
#define CREDENTIAL_NAME "tank01-api-key"
#define KEY_MAX 512

const char *season_type_name(enum season_type type) {
        return type == SEASON_REG ? "reg" : type == SEASON_POST ? "post" : "";
}

int season_type_parse(const char *text, enum season_type *ret) {
        if (!streq(text, "reg") && !streq(text, "post"))
                return -EINVAL;
        *ret = streq(text, "reg") ? SEASON_REG : SEASON_POST;
        return 0;
}

static int set_number(const char *name, const char *value, int64_t minimum, int64_t maximum, int *ret,
                      char **ret_error) {
        int64_t number;
        if (parse_int64_range(value, minimum, maximum, &number) < 0)
                return error_set(ret_error, NFL_CONFIG, "%s: '%s' is no whole number from %lld to %lld", name, value,
                                 (long long)minimum, (long long)maximum);
        *ret = (int)number;
        return 0;
}

static int set_span(const char *name, const char *value, usec_t *ret, char **ret_error) {
        usec_t span;
        if (parse_timespan(value, &span) < 0 || span > USEC_PER_HOUR)
                return error_set(ret_error, NFL_CONFIG, "%s: '%s' is no time span of at most an hour, as 500ms or 3.5s",
                                 name, value);
        *ret = span;
        return 0;
}

int settings_set(struct settings *settings, const char *name, const char *value, char **ret_error) {
        if (streq(name, "season"))
                return set_number(name, value, 2000, 2100, &settings->asked.season, ret_error);
        if (streq(name, "week"))
                return set_number(name, value, 1, 18, &settings->asked.week, ret_error);
        if (streq(name, "from-week"))
                return set_number(name, value, 1, 18, &settings->from_week, ret_error);
        if (streq(name, "to-week"))
                return set_number(name, value, 1, 18, &settings->to_week, ret_error);
        if (streq(name, "season-type")) {
                if (season_type_parse(value, &settings->asked.type) < 0)
                        return error_set(ret_error, NFL_CONFIG, "season-type: '%s' is neither reg nor post", value);
                return 0;
        }
        if (streq(name, "parallel"))
                return set_number(name, value, 1, PARALLEL_MAX, &settings->parallel, ret_error);
        if (streq(name, "quota-warning"))
                return set_number(name, value, 0, 1000000, &settings->quota_warning, ret_error);
        if (streq(name, "again")) {
                int again = parse_boolean(value);
                settings->again = again > 0;
                return again < 0 ? error_set(ret_error, NFL_CONFIG, "again: '%s' is neither yes nor no", value) : 0;
        }
        if (streq(name, "tries"))
                return set_number(name, value, 1, 20, &settings->tries, ret_error);
        if (streq(name, "delay"))
                return set_span(name, value, &settings->delay, ret_error);
        if (streq(name, "timeout"))
                return set_span(name, value, &settings->timeout, ret_error);
        if (streq(name, "retry-delay"))
                return set_span(name, value, &settings->retry_delay, ret_error);
        if (streq(name, "from") || streq(name, "to")) {
                *(streq(name, "from") ? &settings->from : &settings->to) = value;
                return 0;
        }
        return error_set(ret_error, NFL_CONFIG, "no such option: %s", name);
}

static int read_parameters(struct settings *settings, char **ret_error) {
        static const struct {
                const char *variable, *name;
        } rows[] = {
                {"BATCH_PARAM_SEASON", "season"},           {"BATCH_PARAM_WEEK", "week"},
                {"BATCH_PARAM_SEASON_TYPE", "season-type"}, {"BATCH_PARAM_FROM_WEEK", "from-week"},
                {"BATCH_PARAM_TO_WEEK", "to-week"},         {"BATCH_PARAM_AGAIN", "again"},
        };
        const bool given[] = {
                settings->asked.season != 0, settings->asked.week != 0, settings->asked.type != SEASON_UNKNOWN,
                settings->from_week != 0,    settings->to_week != 0,    settings->again};
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *value = getenv(rows[i].variable);
                if (given[i] || !value || !*value)
                        continue;
                int r = settings_set(settings, rows[i].name, value, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The key of the credential, else of the environment; white space at its ends does not belong to it. */
static int read_key(struct settings *settings, char **ret_error) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");
        if (folder && *folder) {
                _cleanup_free_ char *path = path_join(folder, CREDENTIAL_NAME);
                _cleanup_free_ char *text = NULL;
                int r = read_file(path, KEY_MAX, &text, NULL);
                if (r == 0 && *strstrip(text)) {
                        settings->api_key = xstrdup(strstrip(text));
                        return 0;
                }
                if (r < 0 && r != -ENOENT)
                        return error_set(ret_error, NFL_CONFIG, "credential " CREDENTIAL_NAME " cannot be read: %s",
                                         strerror(-r));
        }
        const char *key = getenv("TANK01_API_KEY");
        if (key && *key)
                settings->api_key = xstrdup(key);
        return 0;
}

int settings_complete(struct settings *settings, char **ret_error) {
        int r = read_parameters(settings, ret_error);
        if (r < 0)
                return r;
        r = week_check(&settings->asked, ret_error);
        if (r < 0)
                return r;
        const char *now = getenv("BATCH_NOW");
        settings->now = now_realtime();
        if (now && *now && parse_rfc3339(now, &settings->now) < 0)
                return error_set(ret_error, NFL_CONFIG,
                                 "BATCH_NOW: '%s' is no RFC 3339 instant, as 2024-10-29T12:00:00Z", now);
        const char *url = getenv("TANK01_BASE_URL");
        settings->base_url = xstrdup(url && *url ? url : DEFAULT_BASE_URL);
        for (size_t length = strlen(settings->base_url); length && settings->base_url[length - 1] == '/'; length--)
                settings->base_url[length - 1] = '\0';
        const char *database = getenv("BATCH_DATABASE");
        settings->database = database && *database ? database : NULL;
        return read_key(settings, ret_error);
}

static bool is_loopback_url(const char *url) {
        const char *host = startswith(url, "http://");
        /* "http://127.0.0.1:80@elsewhere": what stands before @ is a user, not the host. */
        if (host && strchr(host, '@'))
                return false;
        static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
        for (size_t i = 0; host && i < ELEMENTSOF(names); i++) {
                const char *behind = startswith(host, names[i]);
                if (behind && (*behind == '\0' || *behind == ':' || *behind == '/'))
                        return true;
        }
        return false;
}

int settings_require_api(const struct settings *settings, char **ret_error) {
        if (is_loopback_url(settings->base_url))
                return 0;
        if (!startswith(settings->base_url, "https://"))
                return error_set(ret_error, NFL_CONFIG,
                                 "TANK01_BASE_URL: '%s': the API key is sent over https:// only (http:// is "
                                 "for an address of this machine)",
                                 settings->base_url);
        if (!settings->api_key)
                return error_set(ret_error, NFL_CONFIG,
                                 "no API key: give the credential " CREDENTIAL_NAME
                                 " (LoadCredential=) or TANK01_API_KEY");
        return 0;
}

int week_check(const struct week *week, char **ret_error) {
        if (week->type == SEASON_POST && week->week > 4)
                return error_set(ret_error, NFL_CONFIG, "week %d of the post-season: it has the weeks 1 to 4",
                                 week->week);
        return 0;
}

void settings_done(struct settings *settings) {
        free(settings->base_url);
        if (settings->api_key)
                explicit_bzero(settings->api_key, strlen(settings->api_key));
        free(settings->api_key);
        *settings = (struct settings){0};
}
