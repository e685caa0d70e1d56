/* CoverageMin= and RecordsBand=. */
#include <string.h>

#include "config_value.h"
#include "macro.h"
#include "record_band.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"
#include "xalloc.h"

void config_parse_share(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        size_t len = strlen(value);
        _cleanup_free_ char *number = len > 1 && value[len - 1] == '%' ? xstrndup(value, len - 1) : NULL;
        double percent;

        if (!*value) {
                *(double *)target = *(const double *)otherwise;
        } else if (number && parse_double(number, &percent) == 0 && percent >= 0 && percent <= 100) {
                *(double *)target = percent / 100;
        } else {
                _cleanup_free_ char *shown = utf8_escape(value, len, 64);

                config_complain(context, "\"%s\" does not fit; it takes percent from 0%% to 100%%, like 90%%", shown);
        }
}

static bool read_count(const char *text, int64_t minimum, unsigned *ret) {
        int64_t number;

        if (parse_int64_range(text, minimum, BAND_WINDOW_MAX, &number) < 0)
                return false;
        *ret = (unsigned)number;
        return true;
}

static bool read_band_word(const char *word, struct band_rule *rule) {
        static const char *const actions[] = {[BAND_NONE] = "no", [BAND_WARN] = "warn", [BAND_FAIL] = "fail"};
        const char *value;

        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (streq(word, actions[i])) {
                        rule->action = (enum band_action)i;
                        return true;
                }
        if ((value = startswith(word, "width=")))
                return parse_double(value, &rule->width) == 0 && rule->width >= 1 && rule->width <= 100;
        if ((value = startswith(word, "window=")))
                return read_count(value, 2, &rule->window);
        if ((value = startswith(word, "least=")))
                return read_count(value, 2, &rule->least);
        return false;
}

void config_parse_band(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        struct band_rule rule = *(const struct band_rule *)otherwise;
        _cleanup_strv_ char **words = NULL;

        if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words)
                if (!read_band_word(*word, &rule)) {
                        _cleanup_free_ char *shown = utf8_escape(*word, strlen(*word), 64);

                        config_complain(context,
                                        "\"%s\" does not fit; it takes no, warn or fail, and as wanted width=1 to 100, "
                                        "window=2 to %d and least=2 to %d, for example: warn width=4 window=20 least=5",
                                        shown, BAND_WINDOW_MAX, BAND_WINDOW_MAX);
                        return;
                }
        if (words && rule.action == BAND_NONE && !streq(words[0], "no")) {
                config_complain(context, "it does not say what an unusual number does; begin with warn or fail");
                return;
        }
        if (rule.least > rule.window) {
                config_complain(context, "least=%u is more than window=%u holds; make one of them fit", rule.least,
                                rule.window);
                return;
        }
        *(struct band_rule *)target = rule;
}
