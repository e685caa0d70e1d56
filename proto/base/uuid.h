/* Random UUIDs (RFC 9562, version 4) in their text form. */
#pragma once

#include <stdbool.h>

#define UUID_SIZE 37 /* with the NUL */

void uuid_generate_text(char ret[static UUID_SIZE]);
/* 8-4-4-4-12 hexadecimal digits, either case. */
bool uuid_is_valid(const char *text);
