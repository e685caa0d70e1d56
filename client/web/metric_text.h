/* The text format of Prometheus (0.0.4): families with their samples. */
#pragma once

#include "buf.h"

/* "# HELP" and "# TYPE". type: gauge, counter or summary. */
void metric_family(struct buf *out, const char *name, const char *type, const char *help);
/* A sample; up to two labels, NULL names for none. */
void metric_sample(struct buf *out, const char *name, const char *label, const char *value, const char *label2,
                   const char *value2, double number);
