#include "route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

/* In the order in which they are tried: words before {names}. */
/* clang-format off */
const struct route routes[] = {
        {"GET", "/status", ROUTE_CALL, METHOD_DAEMON_STATUS, NULL},
        {"GET", "/runs", ROUTE_CALL, METHOD_RUN_LIST, NULL},
        {"POST", "/runs", ROUTE_CALL, METHOD_RUN_START, NULL},
        {"GET", "/runs/current", ROUTE_CALL, METHOD_RUN_CURRENT, NULL},
        {"POST", "/runs/current/cancel", ROUTE_CALL, METHOD_RUN_CANCEL, "Ends the run that runs, if it is one"},
        {"GET", "/runs/latest", ROUTE_CALL, METHOD_RUN_SHOW, "The run that runs, else the latest"},
        {"GET", "/runs/latest/logs", ROUTE_CALL, METHOD_LOG_READ, NULL},
        {"GET", "/runs/latest/lines", ROUTE_CALL, METHOD_RUN_TAIL, "A page of that run's lines"},
        {"GET", "/runs/latest/logs/download", ROUTE_DOWNLOAD, METHOD_RUN_TAIL, "The whole output of that run as a text file"},
        {"GET", "/runs/latest/summary", ROUTE_CALL, METHOD_RUN_SUMMARY, NULL},
        {"GET", "/runs/latest/quality", ROUTE_CALL, METHOD_RUN_QUALITY, NULL},
        {"GET", "/runs/latest/why", ROUTE_CALL, METHOD_RUN_WHY, NULL},
        {"GET", "/runs/latest/stream", ROUTE_STREAM, METHOD_RUN_TAIL, "Lines and states of the run that runs, else the latest"},
        {"GET", "/runs/{run}", ROUTE_CALL, METHOD_RUN_SHOW, NULL},
        {"POST", "/runs/{run}/cancel", ROUTE_CALL, METHOD_RUN_CANCEL, NULL},
        {"POST", "/runs/{run}/retry", ROUTE_CALL, METHOD_RUN_RETRY, NULL},
        {"GET", "/runs/{run}/logs", ROUTE_CALL, METHOD_LOG_READ, NULL},
        {"GET", "/runs/{run}/logs/download", ROUTE_DOWNLOAD, METHOD_RUN_TAIL, "The whole output of a run as a text file"},
        {"GET", "/runs/{run}/summary", ROUTE_CALL, METHOD_RUN_SUMMARY, NULL},
        {"GET", "/runs/{run}/quality", ROUTE_CALL, METHOD_RUN_QUALITY, NULL},
        {"GET", "/runs/{run}/lines", ROUTE_CALL, METHOD_RUN_TAIL, "A page of a run's lines"},
        {"GET", "/runs/{run}/stream", ROUTE_STREAM, METHOD_RUN_TAIL, "Lines and states of a run as they come, as Server-Sent Events"},
        {"GET", "/runs/{run}/why", ROUTE_CALL, METHOD_RUN_WHY, NULL},
        {"POST", "/backfills", ROUTE_CALL, METHOD_RUN_BACKFILL, NULL},
        {"GET", "/events", ROUTE_EVENTS, METHOD_EVENTS_SUBSCRIBE, "Changes of all runs as they come, as Server-Sent Events"},
        {"GET", "/jobs", ROUTE_CALL, METHOD_JOB_LIST, NULL},
        {"GET", "/jobs/{job}", ROUTE_CALL, METHOD_JOB_SHOW, NULL},
        {"POST", "/jobs/{job}/pause", ROUTE_CALL, METHOD_JOB_PAUSE, NULL},
        {"POST", "/jobs/{job}/resume", ROUTE_CALL, METHOD_JOB_RESUME, NULL},
        {"POST", "/reload", ROUTE_CALL, METHOD_DAEMON_RELOAD, NULL},
        {"POST", "/drain", ROUTE_CALL, METHOD_DAEMON_DRAIN, NULL},
        {"GET", "/steps", ROUTE_CALL, METHOD_STEP_LIST, NULL},
        {"GET", "/alerts", ROUTE_CALL, METHOD_ALERT_LIST, NULL},
        {"GET", "/schedules", ROUTE_CALL, METHOD_SCHEDULE_LIST, NULL},
        {"GET", "/readiness", ROUTE_CALL, METHOD_READINESS_SHOW, NULL},
        {"POST", "/readiness/refresh", ROUTE_CALL, METHOD_READINESS_REFRESH, NULL},
        {"GET", "/readiness/{week}", ROUTE_CALL, METHOD_READINESS_SHOW, NULL},
        {"GET", "/audit", ROUTE_CALL, METHOD_AUDIT_LIST, NULL},
        {"GET", "/limits", ROUTE_CALL, METHOD_LIMIT_LIST, NULL},
        {"GET", "/health", ROUTE_CALL, METHOD_JOB_HEALTH, NULL},
        {"POST", "/breakers/reset", ROUTE_CALL, METHOD_BREAKER_RESET, NULL},
        {"POST", "/alerts/{alert}/test", ROUTE_CALL, METHOD_ALERT_TEST, NULL},
        {"GET", "/openapi.json", ROUTE_OPENAPI, METHOD_DAEMON_HELLO, "This description"},
        {"GET", "/session", ROUTE_SESSION, METHOD_DAEMON_HELLO, "Who asks, and what that may do"},
        {"POST", "/session", ROUTE_SESSION, METHOD_DAEMON_HELLO, "Logs in with the admin's password"},
        {"DELETE", "/session", ROUTE_SESSION, METHOD_DAEMON_HELLO, "Logs out"},
};
/* clang-format on */
const size_t n_routes = ELEMENTSOF(routes);

static bool match_segments(const struct route *route, const char *path, struct route_match *ret) {
        const char *pattern = route->pattern;

        *ret = (struct route_match){.route = route};
        while (*pattern == '/' && *path == '/') {
                size_t pattern_len = strcspn(++pattern, "/"), path_len = strcspn(++path, "/");

                if (*pattern == '{') {
                        if (path_len == 0 || ret->n_values == ROUTE_VALUES_MAX)
                                return false;
                        ret->values[ret->n_values++] =
                                (struct http_pair){xstrndup(pattern + 1, pattern_len - 2), xstrndup(path, path_len)};
                } else if (pattern_len != path_len || strncmp(pattern, path, path_len) != 0) {
                        return false;
                }
                pattern += pattern_len;
                path += path_len;
        }
        return *pattern == '\0' && *path == '\0';
}

void route_match_done(struct route_match *match) {
        for (size_t i = 0; i < match->n_values; i++) {
                free(match->values[i].name);
                free(match->values[i].value);
        }
        *match = (struct route_match){0};
}

/* A stream has no head without its body. */
static const char *verbs_of(const struct route *route) {
        bool streams = route->kind == ROUTE_STREAM || route->kind == ROUTE_EVENTS;

        return streq(route->verb, "GET") && !streams ? "GET, HEAD" : route->verb;
}

int route_find(const char *verb, const char *path, struct route_match *ret, char **ret_allowed) {
        _cleanup_free_ char *allowed = NULL;

        if (streq(verb, "HEAD"))
                verb = "GET";
        for (size_t i = 0; i < n_routes; i++) {
                struct route_match match;

                if (match_segments(&routes[i], path, &match)) {
                        if (streq(routes[i].verb, verb)) {
                                *ret = match;
                                return 0;
                        }
                        if (!allowed || !strstr(allowed, routes[i].verb)) {
                                char *longer = allowed ? xasprintf("%s, %s", allowed, verbs_of(&routes[i]))
                                                       : xstrdup(verbs_of(&routes[i]));

                                free(allowed);
                                allowed = longer;
                        }
                }
                route_match_done(&match);
        }
        *ret_allowed = STEAL_PTR(allowed);
        return *ret_allowed ? -ENOTSUP : -ENOENT;
}
