#include <ctype.h>
#include <string.h>

#include "eastern.h"
#include "game_id.h"
#include "macro.h"
#include "xalloc.h"

#define TEAM_MAX 4

/* Behind 2 to 4 capital letters, or NULL. */
static const char *skip_team(const char *text) {
        size_t length = 0;
        while (isupper((unsigned char)text[length]))
                length++;
        return length >= 2 && length <= TEAM_MAX ? text + length : NULL;
}

bool game_id_is_valid(const char *id) {
        char date[9];
        day_t day;
        if (strnlen(id, 9) < 9 || id[8] != '_')
                return false;
        memcpy(date, id, 8);
        date[8] = '\0';
        if (strchr(date, '-') || day_parse(date, &day) < 0)
                return false;
        const char *at = skip_team(id + 9);
        if (!at || *at != '@')
                return false;
        at = skip_team(at + 1);
        return at && !*at;
}

char *game_id_query(const char *endpoint, const char *id, const char *more) {
        const char *at = strchr(id, '@');
        return xasprintf("%s?gameID=%.*s%%40%s%s", endpoint, (int)(at - id), id, at + 1, more);
}
