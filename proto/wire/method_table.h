/* The table of methods, for those who look into it: methods.c has the rows. */
#pragma once

#include "methods.h"

/* By enum method_id, _METHOD_MAX of them. */
extern const struct method method_table[];
