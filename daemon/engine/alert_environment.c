#include "alert_environment.h"

#include <inttypes.h>
#include <stdlib.h>

#include "environment.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

static void set_optional(char ***environment, const char *name, const char *value) {
        if (value)
                environment_set(environment, name, value);
}

static void set_list(char ***environment, const char *name, char *const *list) {
        _cleanup_free_ char *joined = list ? strv_join(list, "\n") : NULL;

        set_optional(environment, name, joined);
}

static void set_facts(char ***environment, const struct jval *facts) {
        static const struct {
                const char *variable, *fact;
        } names[] = {
                {"BATCH_ALERT", "alert"},         {"BATCH_ALERT_EVENT", "event"}, {"BATCH_ALERT_TITLE", "title"},
                {"BATCH_ALERT_TEXT", "text"},     {"BATCH_JOB", "job"},           {"BATCH_RUN_ID", "run_id"},
                {"BATCH_ALERT_STATUS", "status"},
        };
        int64_t number = jval_get_int(facts, "run_number", 0);

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                set_optional(environment, names[i].variable, jval_get_str(facts, names[i].fact));
        if (number > 0) {
                _cleanup_free_ char *text = xasprintf("%" PRId64, number);

                environment_set(environment, "BATCH_RUN", text);
        }
}

char **alert_environment(const struct alert *alert, const struct jval *facts) {
        _cleanup_free_ char *body = alert_body(alert, facts);
        char **environment = NULL;

        environment_inherit(&environment);
        set_facts(&environment, facts);
        environment_set(&environment, "BATCH_ALERT_BODY", body);
        if (alert->command)
                return environment;
        environment_set(&environment, "BATCH_ALERT_METHOD", alert_method_to_string(alert->method));
        set_optional(&environment, "BATCH_ALERT_URL", alert->url);
        set_optional(&environment, "BATCH_ALERT_URL_CREDENTIAL", alert->url_credential);
        environment_set(&environment, "BATCH_ALERT_CONTENT_TYPE", str_or(alert->content_type, "application/json"));
        set_list(&environment, "BATCH_ALERT_HEADERS", alert->headers);
        set_list(&environment, "BATCH_ALERT_HEADER_CREDENTIALS", alert->header_credentials);
        return environment;
}
