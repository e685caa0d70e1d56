/* Team abbreviations. */
#pragma once

/* The API's spelling of an abbreviation: the aliases LA, WAS and JAC become LAR, WSH and JAX, anything else stays.
 * Borrowed. */
const char *team_canonical(const char *abbreviation);
