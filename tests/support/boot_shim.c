/* Preloaded into the daemon: the machine's boot id is what the file $BOOT_SHIM says. */
#undef _FILE_OFFSET_BITS /* else both functions below have the same name */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef int (*open_fn)(const char *path, int flags, ...);

static int open_as(const char *name, const char *path, int flags, mode_t mode) {
        void *found = dlsym(RTLD_NEXT, name);
        const char *shim = getenv("BOOT_SHIM");
        open_fn real;

        memcpy(&real, &found, sizeof(real));
        return real(shim && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ? shim : path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments) {
        return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = mode_of(flags, arguments);
        va_end(arguments);
        return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = mode_of(flags, arguments);
        va_end(arguments);
        return open_as("open64", path, flags, mode);
}
