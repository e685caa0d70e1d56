#include "user_name.h"

#include <pwd.h>
#include <stdio.h>

#include "cleanup.h"
#include "xalloc.h"

char *user_name_of(uid_t uid) {
        _cleanup_fclose_ FILE *file = fopen("/etc/passwd", "re");
        char line[1024];
        struct passwd entry, *found;

        while (file && fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0)
                if (entry.pw_uid == uid)
                        return xstrdup(entry.pw_name);
        return xasprintf("#%u", (unsigned)uid);
}
