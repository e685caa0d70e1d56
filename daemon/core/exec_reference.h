/* References to parameters in the arguments of a command. */
#pragma once

#include <stddef.h>

/* The first ${name} in text that is not escaped by "$$": a pointer to its '$', and the name within. NULL when there is
 * none. */
const char *exec_reference_next(const char *text, const char **ret_name, size_t *ret_len);
