#include "runner_path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "fileutil.h"
#include "xalloc.h"

/* 60 - strlen("/n/") - ten digits. */
#define DIR_LENGTH_MAX 47

static bool is_short(const char *runtime_dir) {
        return strlen(runtime_dir) <= DIR_LENGTH_MAX;
}

static char *socket_dir(const char *runtime_dir) {
        if (is_short(runtime_dir))
                return xstrdup(runtime_dir);
        uint64_t hash = fnv64(FNV64_START, runtime_dir, strlen(runtime_dir));
        return xasprintf("/tmp/batchd-%u-%016" PRIx64, (unsigned)geteuid(), hash);
}

char *runner_launcher_path(const char *runtime_dir) {
        _cleanup_free_ char *dir = socket_dir(runtime_dir);
        return path_join(dir, "launcher.sock");
}

static char *numbered(const char *runtime_dir, const char *kind, int64_t number) {
        _cleanup_free_ char *dir = socket_dir(runtime_dir);
        return xasprintf("%s/%s/%" PRId64, dir, kind, number);
}

char *runner_monitor_path(const char *runtime_dir, int64_t number) {
        return numbered(runtime_dir, "m", number);
}

char *runner_notify_path(const char *runtime_dir, int64_t number) {
        return numbered(runtime_dir, "n", number);
}

static int make_private(const char *path) {
        if (mkdir(path, 0700) >= 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        struct stat st;
        if (lstat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0 ? 0 : -EPERM;
}

int runner_path_prepare(const char *runtime_dir) {
        _cleanup_free_ char *dir = socket_dir(runtime_dir), *m = path_join(dir, "m"), *n = path_join(dir, "n");
        int r = is_short(runtime_dir) ? mkdir_parents(runtime_dir, 0755) : make_private(dir);
        if (r >= 0)
                r = make_private(m);
        if (r >= 0)
                r = make_private(n);
        return r;
}
