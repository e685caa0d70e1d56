#include "run_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "strutil.h"

/* A line is "<boot id> <what> <microseconds>". More of them than this hold is no run that somebody waits for. */
#define CLOCK_FILE_MAX ((size_t)1024 * 1024)
#define BOOT_ID_LENGTH 36

/* It does not change while this process lives. NULL when it cannot be read. */
static const char *this_boot(void) {
        static char boot[BOOT_ID_LENGTH + 1];

        return boot[0] || boot_id(boot) >= 0 ? boot : NULL;
}

int run_clock_note(const char *run_dir, uint32_t what, usec_t boottime) {
        _cleanup_free_ char *path = path_join(run_dir, "clock");
        _cleanup_close_ int fd = -1;
        const char *boot = this_boot();
        char line[96];

        if (!boot)
                return -EIO;
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
                return -errno;
        return write_all(fd, line,
                         (size_t)snprintf(line, sizeof(line), "%s %" PRIu32 " %" PRIu64 "\n", boot, what, boottime));
}

/* The instant in a line that is whole, of this boot and about `what`; else `otherwise`. */
static usec_t instant_of(char *line, const char *boot, uint32_t what, usec_t otherwise) {
        char *number, *instant;
        uint64_t value, boottime;

        if (strlen(line) <= BOOT_ID_LENGTH || line[BOOT_ID_LENGTH] != ' ')
                return otherwise;
        line[BOOT_ID_LENGTH] = 0;
        number = line + BOOT_ID_LENGTH + 1;
        instant = strchr(number, ' ');
        if (!streq(line, boot) || !instant)
                return otherwise;
        *instant++ = 0;
        if (parse_uint64(number, &value) < 0 || value != what || parse_uint64(instant, &boottime) < 0)
                return otherwise;
        return boottime;
}

usec_t run_clock_find(const char *run_dir, uint32_t what) {
        _cleanup_free_ char *path = path_join(run_dir, "clock"), *content = NULL;
        const char *boot = this_boot();
        usec_t found = 0;
        size_t len;

        if (!boot || read_file(path, CLOCK_FILE_MAX, &content, &len) < 0)
                return 0;
        for (char *line = content, *end; (end = strchr(line, '\n')); line = end + 1) {
                *end = 0;
                found = instant_of(line, boot, what, found);
        }
        return found;
}
