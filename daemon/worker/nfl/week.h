/* Which week it is: the single source of truth of the worker. It means the week that people think they are in.
 *
 * In US Eastern calendar days. A new week starts on Tuesday.
 *   Wednesday to Sunday: the first game of today and the next 4 days decides.
 *   Monday: a game today decides; else the most recent game since Tuesday, so that Monday still shows the old week.
 *   Tuesday: the games of today and the next 4 days decide; were there games of two weeks (one moved to this Tuesday),
 * the later week. None of these: the next game in the table. (A Monday with no game in six days before it is one of
 * these: after the semi-finals the last game is a fortnight away, and the week that was once over does not come back.)
 * Days count, not hours, so that a game decides for its whole day, also when it has begun or is over.
 *
 * When the table cannot be asked or holds nothing that answers, the calendar does: week 1 starts on the Tuesday after
 * the first Monday of September (Labor Day), 18 weeks of the regular season follow, then three rounds, a free week and
 * the last game; from March the next season counts. It knows nothing of changes to a schedule, and the caller says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "eastern.h"
#include "worker_settings.h"

struct week_game {
        day_t day;
        struct week week;
};

/* games: in the order of their days. From the six days before today to the first beyond the next four suffices. 0, or
 * -ENOENT when none of them answers. */
int week_decide(const struct week_game *games, size_t n, day_t today, struct week *ret);
struct week week_from_calendar(day_t today);
/* a before b: negative; by season, type, week. */
int week_compare(const struct week *a, const struct week *b);
