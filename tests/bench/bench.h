/* What benchmark programs share: a clock, the median of repetitions, and the one form in which tests/bench/run reads
 * figures.
 *
 * A figure is a line of tab-separated fields on stdout; everything else a program prints is shown as it is:
 *   ratio  <what> <unit> <ours> <bare> <what bare is> <limit of ours/bare>
 *   value  <what> <unit> <ours> <limit>
 * A limit of 0 means that the figure is only shown. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double bench_now(clockid_t clock) {
        struct timespec ts;

        (void)clock_gettime(clock, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline int bench_compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Sorts the values. quantile in 0..1; 0.5 is the median. */
static inline double bench_quantile(double *values, size_t n, double quantile) {
        size_t i = (size_t)(quantile * (double)(n - 1) + 0.5);

        qsort(values, n, sizeof(*values), bench_compare);
        return values[i];
}

static inline void bench_ratio(const char *what, const char *unit, double ours, double bare, const char *bare_is,
                               double limit) {
        printf("ratio\t%s\t%s\t%.6g\t%.6g\t%s\t%.6g\n", what, unit, ours, bare, bare_is, limit);
        (void)fflush(stdout);
}

static inline void bench_value(const char *what, const char *unit, double ours, double limit) {
        printf("value\t%s\t%s\t%.6g\t%.6g\n", what, unit, ours, limit);
        (void)fflush(stdout);
}
