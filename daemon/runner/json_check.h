/* Whether a text is one JSON value (RFC 8259). The monitor links no JSON library; it only refuses what the daemon could
 * not keep. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* text: valid UTF-8. Deeper than 32 levels counts as invalid. */
bool json_is_valid(const char *text, size_t len);
