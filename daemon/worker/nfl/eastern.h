/* The league's clock: US Eastern time. */
#pragma once

#include <stdint.h>

#include "timeutil.h"

/* A calendar day as days since 1970-01-01. */
typedef int32_t day_t;

/* Sets the process's zone to US Eastern: for a program of one thread that shows no other zone. From the machine's zone
 * data; where that has no such file, from the rule that holds since 2007. */
void eastern_init(void);
/* The Eastern calendar day of an instant. */
day_t eastern_day(usec_t instant);
/* 0 is Sunday. */
int day_of_week(day_t day);
/* Proleptic Gregorian; month 1..12. */
day_t day_from_date(int year, int month, int day);
void day_to_date(day_t day, int *ret_year, int *ret_month, int *ret_day);
/* "2024-11-03" or "20241103". 0 or -EBADMSG, also for days that the calendar does not have. */
int day_parse(const char *text, day_t *ret);
#define DAY_SIZE 16
/* "2024-11-03"; returns ret. */
char *day_format(char ret[static DAY_SIZE], day_t day);
