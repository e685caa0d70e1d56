#include "team.h"
#include "macro.h"
#include "strutil.h"

const char *team_canonical(const char *abbreviation) {
        static const char *const aliases[][2] = {{"LA", "LAR"}, {"WAS", "WSH"}, {"JAC", "JAX"}};
        for (size_t i = 0; i < ELEMENTSOF(aliases); i++)
                if (streq(abbreviation, aliases[i][0]))
                        return aliases[i][1];
        return abbreviation;
}
