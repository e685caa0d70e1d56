/* Keep=: how long, how many and how much. */
#include "config_value.h"
#include "retention.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"

static bool read_bound(const char *word, struct keep *keep) {
        const char *value;
        bool endless;

        value = strchr(word, '=');
        if (!value)
                return false;
        value++;
        endless = streq(value, "infinity");
        if (startswith(word, "age="))
                return parse_timespan(value, &keep->age) == 0 && keep->age > 0;
        if (startswith(word, "runs=")) {
                keep->runs = UINT64_MAX;
                return endless || (parse_uint64(value, &keep->runs) == 0 && keep->runs > 0);
        }
        if (startswith(word, "size=")) {
                keep->bytes = UINT64_MAX;
                return endless || (parse_size(value, &keep->bytes) == 0 && keep->bytes > 0);
        }
        return false;
}

void config_parse_keep(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        struct keep keep = *(const struct keep *)target;
        _cleanup_strv_ char **words = NULL;

        if (!*value) {
                *(struct keep *)target = *(const struct keep *)otherwise;
                return;
        }
        if (!config_split(context, value, &words))
                return;
        for (size_t i = 0; words && words[i]; i++)
                if (!read_bound(words[i], &keep)) {
                        _cleanup_free_ char *shown = utf8_escape(words[i], strlen(words[i]), 64);

                        config_complain(context,
                                        "\"%s\" does not fit; it takes age= with a time span, runs= with a number and "
                                        "size= with "
                                        "bytes, for example age=90d runs=1000 size=10G; each may be infinity",
                                        shown);
                        return;
                }
        *(struct keep *)target = keep;
}
