/* Base64 with padding (RFC 4648, section 4). */
#pragma once

#include <stddef.h>

/* A new string. */
char *base64_encode(const void *data, size_t len);
