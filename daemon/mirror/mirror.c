#include "mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "errortext.h"
#include "log.h"
#include "macro.h"
#include "message_ids.h"
#include "mirror_internal.h"
#include "strutil.h"
#include "xalloc.h"

#define BACKOFF_FIRST (250 * USEC_PER_MSEC)
#define BACKOFF_MAX (15 * USEC_PER_SEC)
#define POKE_PAUSE (5 * USEC_PER_MSEC)
#define POKE_PAUSE_DOWN USEC_PER_SEC

struct mirror *mirror_link_take(struct mirror_link *link) {
        struct mirror *mirror = link->mirror;

        if (--link->references == 0)
                free(link);
        return mirror;
}

struct mirror_link *mirror_link_ref(struct mirror *mirror) {
        mirror->link->references++;
        return mirror->link;
}

void mirror_link_release(void *link) {
        (void)mirror_link_take(link);
}

/* The option's value, or NULL. */
static const char *option(const struct mirror *mirror, const char *keyword) {
        for (const PQconninfoOption *one = mirror->options; one && one->keyword; one++)
                if (streq(one->keyword, keyword))
                        return one->val && *one->val ? one->val : NULL;
        return NULL;
}

static void opened(void *user) {
        mirror_prepare(user);
}

static void broken(const char *text, void *user) {
        mirror_down(user, false, text);
}

static const struct connection_events events = {opened, broken};

struct parameters {
        const char *keywords[64], *values[64];
        size_t count;
};

static void add_parameter(struct parameters *parameters, const char *keyword, const char *value) {
        if (!value || !*value || parameters->count + 1 >= ELEMENTSOF(parameters->keywords))
                return;
        for (size_t i = 0; i < parameters->count; i++)
                if (streq(parameters->keywords[i], keyword))
                        return; /* the first one wins */
        parameters->keywords[parameters->count] = keyword;
        parameters->values[parameters->count++] = value;
}

/* A server that vanishes without a word is noticed by keepalives while nothing is sent, and by tcp_user_timeout while
 * something is. */
static void connect_now(struct mirror *mirror, const struct resolved *resolved) {
        struct parameters parameters = {0};
        char *error = NULL;

        if (resolved) {
                add_parameter(&parameters, "host", resolved->hosts);
                add_parameter(&parameters, "hostaddr", resolved->addresses);
                add_parameter(&parameters, "port", resolved->ports);
        }
        for (const PQconninfoOption *one = mirror->options; one->keyword; one++)
                add_parameter(&parameters, one->keyword, one->val);
        add_parameter(&parameters, "fallback_application_name", "batchd");
        add_parameter(&parameters, "client_encoding", "UTF8");
        add_parameter(&parameters, "keepalives_idle", "30");
        add_parameter(&parameters, "keepalives_interval", "10");
        add_parameter(&parameters, "keepalives_count", "3");
        add_parameter(&parameters, "tcp_user_timeout", "30000");
        int r = connection_open(&mirror->connection, mirror->loop, parameters.keywords, parameters.values, &events,
                                mirror, &error);
        if (r < 0)
                mirror_down(mirror, false, error ? error : strerror(-r));
        free(error);
}

static void resolved_names(const char *error, const struct resolved *resolved, void *user) {
        struct mirror *mirror = user;

        if (error)
                mirror_down(mirror, false, error);
        else
                connect_now(mirror, resolved);
        mirror->resolution = resolution_cancel(mirror->resolution);
}

static void connect_again(void *user) {
        struct mirror *mirror = user;
        const char *hosts = option(mirror, "host");
        int r;

        if (!hosts || option(mirror, "hostaddr") || !hosts_need_resolution(hosts)) {
                connect_now(mirror, NULL);
                return;
        }
        r = resolution_start(&mirror->resolution, mirror->loop, hosts, str_or(option(mirror, "port"), "5432"),
                             resolved_names, mirror);
        if (r < 0)
                mirror_down(mirror, false, strerror(-r));
}

void mirror_down(struct mirror *mirror, bool refused, const char *text) {
        static const struct log_context context = {.message_id = MESSAGE_ID_MIRROR_DOWN};
        bool was_down = mirror->error != NULL;
        _cleanup_free_ char *now = xstrdup(text);

        /* An outage is told once, and again when its cause changes. */
        if (!was_down || !streq(mirror->error, now))
                log_at(LOG_LEVEL_WARNING, &context,
                       "PostgreSQL cannot be reached: %s. Runs go on; what they leave is kept and sent later", now);
        if (!was_down)
                mirror->since = now_realtime();
        free(mirror->error);
        mirror->error = STEAL_PTR(now);
        mirror->up = false;
        mirror->connection = connection_close(mirror->connection);
        replay_abandon(mirror);
        mirror_query_abandon(mirror, mirror->error);
        mirror->backoff = refused                ? BACKOFF_MAX
                          : mirror->backoff == 0 ? BACKOFF_FIRST
                                                 : MIN(2 * mirror->backoff, BACKOFF_MAX);
        /* Many daemons of one server do not come back in step. */
        loop_timer_arm(mirror->retry, mirror->backoff - (usec_t)random() % (mirror->backoff / 4));
        loop_timer_arm(mirror->pause, POKE_PAUSE_DOWN);
}

void mirror_is_up(struct mirror *mirror) {
        static const struct log_context context = {.message_id = MESSAGE_ID_MIRROR_UP};

        log_at(LOG_LEVEL_INFO, &context, "PostgreSQL %s is connected, schema version %d, %lld rows to send",
               connection_server_version_text(mirror->connection), mirror->schema_version, (long long)mirror->waiting);
        free(mirror->server_version);
        mirror->server_version = xstrdup(connection_server_version_text(mirror->connection));
        free(mirror->error);
        mirror->error = NULL;
        mirror->up = true;
        mirror->since = now_realtime();
        mirror->backoff = 0;
        mirror->wanted = true;
        replay_continue(mirror);
}

static void pause_over(void *user) {
        struct mirror *mirror = user;

        /* A batch that takes long may have met a server, or a router, that went away: how far behind it is is told
         * meanwhile, too. */
        if (mirror->sending)
                replay_count(mirror);
        else
                replay_continue(mirror);
}

void mirror_poke(struct mirror *mirror) {
        if (!mirror || mirror->off)
                return;
        mirror->wanted = true;
        if (!loop_timer_is_armed(mirror->pause))
                loop_timer_arm(mirror->pause, mirror->up && !mirror->sending ? POKE_PAUSE : POKE_PAUSE_DOWN);
}

/* libpq quotes what it stumbled over, which may be the password: only single characters stay. */
static char *without_quotations(const char *text) {
        const char *at = text;

        while (*at && *at != '\n') {
                if (*at != '"') {
                        at++;
                        continue;
                }
                if (!at[1] || at[2] != '"')
                        return xasprintf("%.*s...", (int)(at - text), text);
                at += 3;
        }
        return xstrndup(text, (size_t)(at - text));
}

/* conninfo over what the environment and libpq's defaults say. */
static int parse_conninfo(struct mirror *mirror, const char *conninfo, char **ret_error) {
        char *text = NULL;
        PQconninfoOption *given = PQconninfoParse(conninfo, &text);
        int r = 0;

        if (!given) {
                _cleanup_free_ char *mistake = without_quotations(text ? text : "");
                r = error_set(ret_error, -EINVAL, "Database= is no connection string: %s", mistake);
                PQfreemem(text);
                return r;
        }
        mirror->options = PQconndefaults();
        for (PQconninfoOption *one = given; one->keyword; one++)
                for (PQconninfoOption *own = mirror->options; one->val && own && own->keyword; own++)
                        if (streq(own->keyword, one->keyword)) {
                                free(own->val); /* libpq's strings come from malloc too (PQconninfoFree frees them) */
                                own->val = xstrdup(one->val);
                        }
        PQconninfoFree(given);
        return 0;
}

static int start(struct mirror *mirror, const struct mirror_config *config, char **ret_error) {
        int r = parse_conninfo(mirror, config->conninfo, ret_error);

        if (r >= 0)
                r = migrations_load(&mirror->migrations, config->sql_dir, ret_error);
        if (r >= 0)
                r = loop_timer_new(mirror->loop, &mirror->retry, connect_again, mirror);
        if (r >= 0)
                r = loop_timer_new(mirror->loop, &mirror->pause, pause_over, mirror);
        if (r >= 0)
                loop_timer_arm(mirror->retry, 0);
        return r;
}

int mirror_new(struct mirror **ret, struct loop *loop, struct store *store, const struct mirror_config *config,
               char **ret_error) {
        struct mirror *mirror = NEW(struct mirror);
        int r = 0;

        mirror->loop = loop;
        mirror->store = store;
        mirror->host = xstrdup(str_or(config->host, "localhost"));
        mirror->link = NEW(struct mirror_link);
        *mirror->link = (struct mirror_link){1, mirror};
        mirror->off = !config->conninfo || !*config->conninfo;
        mirror->since = now_realtime();
        if (!mirror->off)
                r = start(mirror, config, ret_error);
        if (r < 0) {
                (void)mirror_free(mirror);
                return r;
        }
        *ret = mirror;
        return 0;
}

struct mirror *mirror_free(struct mirror *mirror) {
        if (!mirror)
                return NULL;
        mirror->resolution = resolution_cancel(mirror->resolution);
        mirror->connection = connection_close(mirror->connection);
        replay_abandon(mirror);
        mirror_query_abandon(mirror, "the daemon is stopping");
        mirror->acks = store_batch_free(mirror->acks);
        mirror->retry = loop_timer_free(mirror->retry);
        mirror->pause = loop_timer_free(mirror->pause);
        PQconninfoFree(mirror->options);
        migrations_done(&mirror->migrations);
        mirror->link->mirror = NULL;
        (void)mirror_link_take(mirror->link);
        free(mirror->ranges);
        free(mirror->sql);
        free(mirror->host);
        free(mirror->error);
        free(mirror->server_version);
        free(mirror->parked_error);
        free(mirror);
        return NULL;
}

struct jval *mirror_status(const struct mirror *mirror) {
        struct jval *status = jval_object();
        /* What was told by a poke and has not been looked at counts as one row. */
        bool is_stale = !mirror->off && (mirror->wanted || mirror->reading);

        jval_set_str(status, "state", mirror->off ? "off" : mirror->up ? "up" : "down");
        jval_set_str(status, "error",
                     !mirror->off && !mirror->up && !mirror->error ? "the first connection is being made"
                                                                   : mirror->error);
        jval_set_time(status, "since", mirror->since);
        jval_set_int(status, "rows_waiting", MAX(mirror->waiting, (int64_t)is_stale));
        jval_set_time(status, "oldest_waiting", mirror->oldest);
        jval_set_int(status, "parked", mirror->parked);
        jval_set_str(status, "parked_error", mirror->parked_error);
        if (mirror->schema_version > 0)
                jval_set_int(status, "schema_version", mirror->schema_version);
        jval_set_str(status, "server_version", mirror->server_version);
        return status;
}
