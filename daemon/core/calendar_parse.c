/* The syntax of calendar expressions, as systemd 252 takes it. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "calendar.h"
#include "calendar_fields.h"
#include "civil.h"
#include "errortext.h"
#include "macro.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

#define SECOND ((int)USEC_PER_SEC)

static const struct {
        const char *name;
        int day;
} weekday_names[] = {
        {"Monday", 0}, {"Mon", 0},    {"Tuesday", 1}, {"Tue", 1},      {"Wednesday", 2}, {"Wed", 2},    {"Thursday", 3},
        {"Thu", 3},    {"Friday", 4}, {"Fri", 4},     {"Saturday", 5}, {"Sat", 5},       {"Sunday", 6}, {"Sun", 6},
};

/* The shorthands in the syntax that they stand for. */
static const struct {
        const char *name, *expression;
} shorthands[] = {
        {"minutely", "*-*-* *:*:00"},
        {"hourly", "*-*-* *:00:00"},
        {"daily", "*-*-* 00:00:00"},
        {"monthly", "*-*-01 00:00:00"},
        {"weekly", "Mon *-*-* 00:00:00"},
        {"yearly", "*-01-01 00:00:00"},
        {"annually", "*-01-01 00:00:00"},
        {"anually", "*-01-01 00:00:00"},
        {"quarterly", "*-01,04,07,10-01 00:00:00"},
        {"semiannually", "*-01,07-01 00:00:00"},
        {"semi-annually", "*-01,07-01 00:00:00"},
        {"biannually", "*-01,07-01 00:00:00"},
        {"bi-annually", "*-01,07-01 00:00:00"},
};

static void add_component(struct calendar_field *field, struct calendar_component component) {
        GROW(field->components, field->count, field->capacity);
        field->components[field->count++] = component;
}

static void set_constant(struct calendar_field *field, int value) {
        field->count = 0;
        add_component(field, (struct calendar_component){.start = value, .stop = -1});
}

struct calendar *calendar_free(struct calendar *calendar) {
        if (!calendar)
                return NULL;
        free(calendar->zone);
        free(calendar->year.components);
        free(calendar->month.components);
        free(calendar->day.components);
        free(calendar->hour.components);
        free(calendar->minute.components);
        free(calendar->second.components);
        free(calendar);
        return NULL;
}

const char *calendar_zone_name(const struct calendar *calendar) {
        return calendar->zone;
}

/* Digits behind the point, in microseconds; a seventh digit rounds. */
static int take_fraction(const char **p) {
        int value = 0, digits = 0;

        for (; isdigit((unsigned char)**p); (*p)++, digits++) {
                if (digits < 6)
                        value = value * 10 + (**p - '0');
                else if (digits == 6)
                        value += **p >= '5';
        }
        for (; digits < 6; digits++)
                value *= 10;
        return value;
}

/* A number; of seconds in microseconds, with a fraction. One '.' is a point, two are a range. */
static bool take_value(const char **p, bool seconds, int *ret) {
        int64_t value = 0;

        if (!isdigit((unsigned char)**p))
                return false;
        for (; isdigit((unsigned char)**p); (*p)++) {
                value = value * 10 + (**p - '0');
                if (value > INT32_MAX)
                        return false;
        }
        if (seconds) {
                value *= SECOND;
                if ((*p)[0] == '.' && (*p)[1] != '.') {
                        (*p)++;
                        if (!isdigit((unsigned char)**p))
                                return false;
                        value += take_fraction(p);
                }
        }
        *ret = (int)value;
        return value <= INT32_MAX;
}

/* A range ends with its last repetition; one without any is its start alone. */
static void reduce_range(struct calendar_component *component) {
        if (component->stop < component->start)
                return;
        component->stop -= (component->stop - component->start) % component->repeat;
        if (component->stop == component->start) {
                component->stop = -1;
                component->repeat = 0;
        }
}

static bool take_component(const char **p, bool seconds, struct calendar_field *field) {
        struct calendar_component component = {.stop = -1};

        if (!take_value(p, seconds, &component.start))
                return false;
        if ((*p)[0] == '.' && (*p)[1] == '.') {
                *p += 2;
                if (!take_value(p, seconds, &component.stop))
                        return false;
                component.repeat = seconds ? SECOND : 1;
        }
        if (**p == '/') {
                (*p)++;
                if (!take_value(p, seconds, &component.repeat) || component.repeat == 0)
                        return false;
        } else if (seconds && component.stop >= 0 && component.stop - component.start < SECOND) {
                return false;
        }
        if (!strchr(" ,-~:", **p) || field->count >= CALENDAR_COMPONENTS_MAX)
                return false;
        reduce_range(&component);
        add_component(field, component);
        return true;
}

/* '*', or components with commas. */
static bool take_field(const char **p, bool seconds, struct calendar_field *field) {
        if (**p == '*') {
                (*p)++;
                if (seconds)
                        add_component(field, (struct calendar_component){.start = 0, .stop = -1, .repeat = SECOND});
                return true;
        }
        while (take_component(p, seconds, field)) {
                if (**p != ',')
                        return true;
                (*p)++;
        }
        return false;
}

/* Index into weekday_names, or -1. */
static int find_weekday(const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(weekday_names); i++)
                if (strncasecmp(text, weekday_names[i].name, strlen(weekday_names[i].name)) == 0)
                        return (int)i;
        return -1;
}

static void skip_spaces(const char **p) {
        *p += strspn(*p, " ");
}

/* "Mon,Wed..Fri ". Nothing is taken when the text does not begin with a weekday. */
static bool take_weekdays(const char **p, unsigned *weekdays) {
        int from = -1;

        for (bool first = true;; first = false) {
                int found = find_weekday(*p), day;

                if (found < 0)
                        return first;
                *p += strlen(weekday_names[found].name);
                day = weekday_names[found].day;
                if (!strchr("-., ", **p) || from > day)
                        return false;
                for (int i = from >= 0 ? from : day; i <= day; i++)
                        *weekdays |= 1U << i;
                if (**p == '.' || **p == '-') {
                        size_t separator = **p == '-' ? 1 : 2;

                        if (from >= 0 || (separator == 2 && (*p)[1] != '.'))
                                return false;
                        from = day;
                        *p += separator;
                        if (!**p || **p == ' ')
                                return false;
                        continue;
                }
                from = -1;
                if (**p == ',')
                        (*p)++;
                if (!**p || **p == ' ') {
                        skip_spaces(p);
                        return true;
                }
        }
}

static void move_field(struct calendar_field *to, struct calendar_field *from) {
        free(to->components);
        *to = *from;
        *from = (struct calendar_field){0};
}

static void drop_fields(struct calendar_field *fields, size_t count) {
        for (size_t i = 0; i < count; i++)
                free(fields[i].components);
}

/* '-' or, before the day, '~'. */
static bool take_date_separator(const char **p, struct calendar *calendar) {
        if (**p == '~')
                calendar->end_of_month = true;
        else if (**p != '-')
                return false;
        (*p)++;
        return true;
}

/* "[year-]month-day "; without a separator behind its first field it is a time, and nothing is taken. */
static bool take_date_fields(const char **p, struct calendar *calendar, struct calendar_field *fields) {
        const char *t = *p;

        if (!take_field(&t, false, &fields[0]))
                return false;
        if (!*t || *t == ':')
                return true;
        if (!take_date_separator(&t, calendar) || !take_field(&t, false, &fields[1]))
                return false;
        if (!*t || *t == ' ') {
                move_field(&calendar->month, &fields[0]);
                move_field(&calendar->day, &fields[1]);
        } else {
                if (calendar->end_of_month || !take_date_separator(&t, calendar) ||
                    !take_field(&t, false, &fields[2]) || (*t && *t != ' '))
                        return false;
                move_field(&calendar->year, &fields[0]);
                move_field(&calendar->month, &fields[1]);
                move_field(&calendar->day, &fields[2]);
        }
        *p = t;
        skip_spaces(p);
        return true;
}

static bool take_date(const char **p, struct calendar *calendar) {
        struct calendar_field fields[3] = {0};
        bool taken = !**p || take_date_fields(p, calendar, fields);

        drop_fields(fields, ELEMENTSOF(fields));
        return taken;
}

/* "hour:minute[:second]", or nothing: midnight. */
static bool take_time(const char **p, struct calendar *calendar) {
        if (!**p) {
                set_constant(&calendar->hour, 0);
                set_constant(&calendar->minute, 0);
                set_constant(&calendar->second, 0);
                return true;
        }
        if (!take_field(p, false, &calendar->hour) || **p != ':')
                return false;
        (*p)++;
        if (!take_field(p, false, &calendar->minute))
                return false;
        if (!**p) {
                set_constant(&calendar->second, 0);
                return true;
        }
        if (**p != ':')
                return false;
        (*p)++;
        return take_field(p, true, &calendar->second) && !**p;
}

/* "@SECONDS": one instant, in UTC. */
static bool take_timestamp(const char *text, struct calendar *calendar) {
        struct civil_date date;
        int64_t seconds;

        if (parse_int64_range(text, 0, INT64_C(7258118399), &seconds) < 0)
                return false;
        date = civil_from_days(seconds / 86400);
        set_constant(&calendar->year, date.year);
        set_constant(&calendar->month, date.month);
        set_constant(&calendar->day, date.day);
        set_constant(&calendar->hour, (int)(seconds % 86400 / 3600));
        set_constant(&calendar->minute, (int)(seconds % 3600 / 60));
        set_constant(&calendar->second, (int)(seconds % 60) * SECOND);
        free(calendar->zone);
        calendar->zone = xstrdup("UTC");
        return true;
}

/* Values within the field, and at least one repetition within the range. */
static bool field_is_valid(const struct calendar_field *field, int from, int to, bool from_end) {
        for (size_t i = 0; i < field->count; i++) {
                const struct calendar_component *c = &field->components[i];

                if (c->start < from || c->start > to || c->repeat > to - from)
                        return false;
                if (c->stop >= 0 && (c->stop < from || c->stop > to || c->start + c->repeat > c->stop))
                        return false;
                if (c->stop < 0 && (from_end ? c->start - c->repeat < from : c->start + c->repeat > to))
                        return false;
        }
        return true;
}

/* Years of two digits mean 1970 to 2069. */
static int full_year(int year) {
        if (year < 0 || year >= 100)
                return year;
        return year < 70 ? year + 2000 : year + 1900;
}

static const char *field_fault(struct calendar *calendar) {
        for (size_t i = 0; i < calendar->year.count; i++) {
                calendar->year.components[i].start = full_year(calendar->year.components[i].start);
                calendar->year.components[i].stop = full_year(calendar->year.components[i].stop);
        }
        if (!field_is_valid(&calendar->year, CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR, false))
                return "the year; it takes 1970 to 2199";
        if (!field_is_valid(&calendar->month, 1, 12, false))
                return "the month; it takes 1 to 12";
        if (!field_is_valid(&calendar->day, 1, 31, calendar->end_of_month))
                return "the day; it takes 1 to 31";
        if (!field_is_valid(&calendar->hour, 0, 23, false))
                return "the hour; it takes 0 to 23";
        if (!field_is_valid(&calendar->minute, 0, 59, false))
                return "the minute; it takes 0 to 59";
        if (!field_is_valid(&calendar->second, 0, CALENDAR_SECONDS_MAX, false))
                return "the second; it takes 0 to 59";
        return NULL;
}

/* Takes a zone's name off the end: the last word, when it is not the first and begins with a letter. */
static void take_zone(char *text, struct calendar *calendar) {
        char *space = strrchr(text, ' ');

        if (!space || space == text || !isalpha((unsigned char)space[1]))
                return;
        calendar->zone = xstrdup(strcasecmp(space + 1, "UTC") == 0 ? "UTC" : space + 1);
        *space = '\0';
}

static const char *expand_shorthand(const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(shorthands); i++)
                if (strcasecmp(shorthands[i].name, text) == 0)
                        return shorthands[i].expression;
        return text;
}

int calendar_parse(struct calendar **ret, const char *expression, char **ret_error) {
        static const char example[] =
                "write for example \"Mon..Fri 12:00\", \"*-*-01 02:30 Europe/Berlin\" or \"hourly\"";
        _cleanup_(calendar_freep) struct calendar *calendar = NEW(struct calendar);
        _cleanup_free_ char *text = xstrdup(expression), *shown = utf8_escape(expression, strlen(expression), 64);
        const char *p, *fault;
        bool taken;

        take_zone(text, calendar);
        p = expand_shorthand(text);
        if (!*p)
                return error_set(ret_error, -EINVAL, "the calendar expression is empty; %s", example);
        taken = take_weekdays(&p, &calendar->weekdays);
        if (taken && *p == '@')
                taken = take_timestamp(p + 1, calendar);
        else
                taken = taken && take_date(&p, calendar) && take_time(&p, calendar);
        if (!taken)
                return error_set(ret_error, -EINVAL, "\"%s\" is no calendar expression; %s", shown, example);
        fault = field_fault(calendar);
        if (fault)
                return error_set(ret_error, -EINVAL,
                                 "\"%s\" is wrong in %s, and a range or repetition must have a second value", shown,
                                 fault);
        *ret = STEAL_PTR(calendar);
        return 0;
}
