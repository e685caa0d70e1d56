#include "strutil.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "macro.h"

bool streq_null(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return streq(a, b);
}

const char *startswith(const char *text, const char *prefix) {
        size_t length = strlen(prefix);

        return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

bool endswith(const char *text, const char *suffix) {
        size_t length = strlen(text), suffix_length = strlen(suffix);

        return length >= suffix_length && streq(text + length - suffix_length, suffix);
}

int parse_int64(const char *text, int64_t *ret) {
        char *end = NULL;
        intmax_t value;

        /* strtoimax skips white space, which is no number here. */
        if (!isdigit((unsigned char)text[0]) &&
            !((text[0] == '-' || text[0] == '+') && isdigit((unsigned char)text[1])))
                return -EINVAL;
        errno = 0;
        value = strtoimax(text, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno == ERANGE)
                return -ERANGE;
        *ret = value;
        return 0;
}

int parse_uint64(const char *text, uint64_t *ret) {
        char *end = NULL;
        uintmax_t value;

        if (!isdigit((unsigned char)text[0]))
                return -EINVAL;
        errno = 0;
        value = strtoumax(text, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno == ERANGE)
                return -ERANGE;
        *ret = value;
        return 0;
}

int parse_int64_range(const char *text, int64_t minimum, int64_t maximum, int64_t *ret) {
        int64_t value;
        int r = parse_int64(text, &value);

        if (r < 0)
                return r;
        if (value < minimum || value > maximum)
                return -ERANGE;
        *ret = value;
        return 0;
}

/* Digits with at most one point and an optional exponent; checked by hand because strtod takes "inf", "nan" and
 * hexadecimal too. */
static bool looks_like_decimal(const char *text) {
        size_t digits = 0;

        text += *text == '-' || *text == '+';
        for (; isdigit((unsigned char)*text); text++)
                digits++;
        if (*text == '.')
                for (text++; isdigit((unsigned char)*text); text++)
                        digits++;
        if (digits == 0)
                return false;
        if (*text == 'e' || *text == 'E') {
                text++;
                text += *text == '-' || *text == '+';
                if (!isdigit((unsigned char)*text))
                        return false;
                text += strspn(text, "0123456789");
        }
        return *text == 0;
}

int parse_double(const char *text, double *ret) {
        static locale_t c_locale;
        double value;

        if (!looks_like_decimal(text))
                return -EINVAL;
        if (!c_locale)
                c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        value = c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
        if (!isfinite(value))
                return -EINVAL;
        *ret = value;
        return 0;
}

int parse_boolean(const char *text) {
        static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
        static const char *const no[] = {"0", "no", "n", "false", "f", "off"};

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(text, yes[i]) == 0)
                        return 1;
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(text, no[i]) == 0)
                        return 0;
        return -EINVAL;
}

int parse_size(const char *text, uint64_t *ret) {
        static const char suffixes[] = "KMGT";
        char *end = NULL;
        uintmax_t value;
        unsigned shift = 0;

        if (!isdigit((unsigned char)text[0]))
                return -EINVAL;
        errno = 0;
        value = strtoumax(text, &end, 10);
        if (errno == ERANGE)
                return -ERANGE;
        if (*end) {
                const char *suffix = strchr(suffixes, *end);

                if (!suffix || end[1])
                        return -EINVAL;
                shift = 10 * (unsigned)(suffix - suffixes + 1);
        }
        if (value > UINT64_MAX >> shift)
                return -ERANGE;
        *ret = (uint64_t)value << shift;
        return 0;
}

bool name_is_valid(const char *name) {
        size_t length = strlen(name);

        if (length < 1 || length > 64 || name[0] == '.' || name[0] == '-')
                return false;
        return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == length;
}

#define NAME_MAX_COMPARED 64

/* Levenshtein's distance without regard to case. */
static size_t edit_distance(const char *a, const char *b) {
        size_t row[NAME_MAX_COMPARED + 1], length_a = strlen(a), length_b = strlen(b);

        if (length_a > NAME_MAX_COMPARED || length_b > NAME_MAX_COMPARED)
                return SIZE_MAX;
        for (size_t j = 0; j <= length_b; j++)
                row[j] = j;
        for (size_t i = 1; i <= length_a; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= length_b; j++) {
                        bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
                        size_t best = MIN(MIN(row[j], row[j - 1]) + 1, diagonal + (same ? 0 : 1));

                        diagonal = row[j];
                        row[j] = best;
                }
        }
        return row[length_b];
}

const char *nearest_name(const char *text, const char *const *candidates) {
        const char *nearest = NULL;
        size_t least = SIZE_MAX;

        for (; *candidates; candidates++) {
                size_t distance = edit_distance(text, *candidates);

                if (distance < least) {
                        least = distance;
                        nearest = *candidates;
                }
        }
        /* Up to a third of the letters may be wrong, and one always. */
        return nearest && least <= MAX((size_t)1, strlen(text) / 3) ? nearest : NULL;
}

char *strstrip(char *text) {
        size_t length;

        text += strspn(text, " \t\r\n");
        length = strlen(text);
        while (length > 0 && strchr(" \t\r\n", text[length - 1]))
                length--;
        text[length] = 0;
        return text;
}
