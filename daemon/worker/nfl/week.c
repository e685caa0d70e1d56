#include <errno.h>

#include "week.h"

#define MONDAY 1
#define TUESDAY 2
#define DAYS_AHEAD 4
#define DAYS_SINCE_TUESDAY 6
#define REGULAR_WEEKS 18

int week_compare(const struct week *a, const struct week *b) {
        if (a->season != b->season)
                return a->season < b->season ? -1 : 1;
        if (a->type != b->type)
                return a->type < b->type ? -1 : 1;
        return (a->week > b->week) - (a->week < b->week);
}

/* The first of the games whose days are from `first` to `last`; n when there is none. */
static size_t first_between(const struct week_game *games, size_t n, day_t first, day_t last) {
        size_t i = 0;
        while (i < n && games[i].day < first)
                i++;
        return i < n && games[i].day <= last ? i : n;
}

static const struct week_game *decide_monday(const struct week_game *games, size_t n, day_t today) {
        const struct week_game *found = NULL;
        for (size_t i = 0; i < n && games[i].day <= today; i++)
                if (games[i].day >= today - DAYS_SINCE_TUESDAY)
                        found = &games[i];
        return found;
}

static const struct week_game *decide_tuesday(const struct week_game *games, size_t n, day_t today) {
        const struct week_game *found = NULL;
        for (size_t i = first_between(games, n, today, today + DAYS_AHEAD); i < n && games[i].day <= today + DAYS_AHEAD;
             i++)
                if (!found || week_compare(&games[i].week, &found->week) > 0)
                        found = &games[i];
        return found;
}

int week_decide(const struct week_game *games, size_t n, day_t today, struct week *ret) {
        const struct week_game *found = NULL;
        int weekday = day_of_week(today);
        if (weekday == MONDAY)
                found = decide_monday(games, n, today);
        else if (weekday == TUESDAY)
                found = decide_tuesday(games, n, today);
        if (!found) {
                /* Wednesday to Sunday, and whenever nothing is near: the first that comes. */
                size_t next = first_between(games, n, today, INT32_MAX);
                found = next < n ? &games[next] : NULL;
        }
        if (!found)
                return -ENOENT;
        *ret = found->week;
        return 0;
}

/* The Tuesday after the first Monday of September. */
static day_t first_tuesday(int season) {
        day_t first = day_from_date(season, 9, 1);
        return first + (MONDAY - day_of_week(first) + 7) % 7 + 1;
}

struct week week_from_calendar(day_t today) {
        int year, month, day;
        day_to_date(today, &year, &month, &day);
        struct week week = {.season = month >= 3 ? year : year - 1, .type = SEASON_REG, .week = 1};
        day_t start = first_tuesday(week.season);
        int number = today < start ? 1 : (today - start) / 7 + 1;
        if (number <= REGULAR_WEEKS) {
                week.week = number;
                return week;
        }
        week.type = SEASON_POST;
        week.week = number - REGULAR_WEEKS < 4 ? number - REGULAR_WEEKS : 4;
        return week;
}
