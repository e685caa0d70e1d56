/* What a step says of itself, as a message in the sd_notify protocol (sd_notify(3)): lines of NAME=value. */
#pragma once

#include "buf.h"
#include "options.h"

struct report {
        struct buf message;
        int n_assignments;
};

/* Filled in the order of the command line. */
extern const struct option_row report_rows[];
