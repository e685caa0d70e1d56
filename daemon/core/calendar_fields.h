/* The parsed form of a calendar expression. Internal to calendar*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As systemd's CALENDARSPEC_COMPONENTS_MAX. */
#define CALENDAR_COMPONENTS_MAX 240
#define CALENDAR_SECONDS_MAX 59999999

/* start, start+repeat, ... up to stop. */
struct calendar_component {
        int start;
        int stop;   /* -1: the end of the field */
        int repeat; /* 0: start alone */
};

/* count 0: any value. */
struct calendar_field {
        struct calendar_component *components;
        size_t count, capacity;
};

struct calendar {
        char *zone;
        unsigned weekdays; /* bit 0 is Monday; 0: any */
        bool end_of_month; /* days count from the end: 1 is the last */
        struct calendar_field year, month, day, hour, minute;
        struct calendar_field second; /* in microseconds */
};
