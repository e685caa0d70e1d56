/* Words within a value, quoted and escaped as systemd.syntax(7) and systemd.service(5) say ("Command lines",
 * "Quoting"). */
#pragma once

#include <stdbool.h>

/* The next word of *position, in new memory; *position moves behind it. 1: a word; 0: the end; -EINVAL with *ret_error
 * (what is wrong with the quoting or escaping).
 *
 * "..." and '...' hold white space together and are removed, also in the middle of a word; within both, and outside,
 * the escapes are \a \b \f \n \r \t \v \\ \" \' \s (space) \; \xHH \NNN (octal) \uXXXX \UXXXXXXXX. NUL cannot be
 * escaped, and the result must be UTF-8. *ret_quoted (may be NULL): something of the word was quoted or escaped, so it
 * is no operator. */
int unit_word_next(const char **position, char **ret, bool *ret_quoted, char **ret_error);
