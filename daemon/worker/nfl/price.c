#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <strings.h>

#include "macro.h"
#include "price.h"

#define PRICE_MAX 100000

int price_parse(const char *text, int *ret) {
        if (!text)
                return -ENODATA;
        while (isspace((unsigned char)*text))
                text++;
        if (!*text)
                return -ENODATA;
        int sign = 1, value = 0;
        if (strncasecmp(text, "even", 4) == 0 || strncasecmp(text, "ev", 2) == 0) {
                text += strncasecmp(text, "even", 4) == 0 ? 4 : 2;
                value = 100;
        } else {
                sign = *text == '-' ? -1 : 1;
                text += *text == '-' || *text == '+';
                if (!isdigit((unsigned char)*text))
                        return -EBADMSG;
                while (isdigit((unsigned char)*text) && value <= PRICE_MAX)
                        value = value * 10 + (*text++ - '0');
        }
        while (isspace((unsigned char)*text))
                text++;
        if (*text || value < 100 || value > PRICE_MAX)
                return -EBADMSG;
        *ret = sign * value;
        return 0;
}

double price_to_chance(int american) {
        double amount = american;
        return american < 0 ? -amount / (100 - amount) : 100 / (amount + 100);
}

int price_from_chance(double chance) {
        chance = MIN(MAX(chance, 0.001), 0.999);
        double price = chance > 0.5 ? -100 * chance / (1 - chance) : 100 * (1 - chance) / chance;
        int rounded = (int)lround(price);
        return rounded == -100 ? 100 : rounded;
}
