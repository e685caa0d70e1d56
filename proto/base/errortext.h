/* Error texts for people: what is wrong, where, and what would be right. */
#pragma once

#include "macro.h"

/* Sets *ret to a new text when ret is not NULL (an earlier text is freed), and returns code, so that a caller can write
 * `return error_set(ret_error, -EINVAL, "...", ...)`. */
int error_set(char **ret, int code, const char *format, ...) PRINTF_LIKE(3, 4);
