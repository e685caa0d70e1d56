#include "fileutil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "checksum.h"
#include "cleanup.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

int read_file(const char *path, size_t max, char **ret, size_t *ret_len) {
        /* A pipe that nobody writes into would block at the opening. */
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_buf_ struct buf buf = BUF_INIT(max);

        if (fd < 0)
                return -errno;
        for (;;) {
                char piece[16384]; /* most files fit, and take just their size in memory */
                ssize_t n = read(fd, piece, sizeof(piece));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                if (buf_append(&buf, piece, (size_t)n) < 0)
                        return -E2BIG;
        }
        if (ret_len)
                *ret_len = buf.len;
        *ret = buf_steal(&buf);
        return 0;
}

int write_all(int fd, const void *data, size_t len) {
        const char *from = data;

        while (len > 0) {
                ssize_t n = write(fd, from, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                from += n;
                len -= (size_t)n;
        }
        return 0;
}

int pwrite_all(int fd, const void *data, size_t len, off_t offset) {
        const char *from = data;

        while (len > 0) {
                ssize_t n = pwrite(fd, from, len, offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                from += n;
                offset += n;
                len -= (size_t)n;
        }
        return 0;
}

ssize_t pread_full(int fd, void *data, size_t len, off_t offset) {
        size_t got = 0;

        while (got < len) {
                ssize_t n = pread(fd, (char *)data + got, len - got, offset + (off_t)got);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                got += (size_t)n;
        }
        return (ssize_t)got;
}

int write_file_atomic(const char *path, const void *data, size_t len, mode_t mode) {
        _cleanup_free_ char *temporary = xasprintf("%s.XXXXXX", path);
        _cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, data, len);
        if (r == 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r == 0 && fdatasync(fd) < 0)
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(temporary);
        return r;
}

static int make_folder(const char *path, mode_t mode) {
        struct stat st;

        if (mkdir(path, mode) >= 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        if (stat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int mkdir_parents(const char *path, mode_t mode) {
        _cleanup_free_ char *copy = xstrdup(path);
        int r = make_folder(path, mode); /* mostly the last one is all that is missing */

        if (r != -ENOENT)
                return r;
        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                if (mkdir(copy, mode) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return make_folder(path, mode);
}

static void closedirp(DIR **dir) {
        if (*dir)
                (void)closedir(*dir);
}

struct removal {
        unsigned left;    /* entries that may go now */
        const char *last; /* or NULL */
};

static int remove_contents(int fd, unsigned depth, struct removal *removal);

static int remove_entry(int dir_fd, const char *name, unsigned depth, struct removal *removal) {
        int child, r;

        if (unlinkat(dir_fd, name, 0) == 0)
                return 0;
        if (errno != EISDIR && errno != EPERM)
                return -errno;
        child = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = child < 0 ? -errno : remove_contents(child, depth + 1, removal);
        if (r == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
                return -errno;
        return r;
}

/* Takes fd over. depth guards the stack against hostile trees. What cannot be removed does not count, so that parts
 * come to an end. 1: there is more. */
static int remove_contents(int fd, unsigned depth, struct removal *removal) {
        _cleanup_(closedirp) DIR *dir = fdopendir(fd);
        struct dirent *entry;
        int first_error = 0;

        if (!dir) {
                int r = -errno;

                (void)close(fd);
                return r;
        }
        if (depth > 64)
                return -ELOOP;
        while ((entry = readdir(dir))) {
                int r;

                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                if (depth == 0 && removal->last && streq(entry->d_name, removal->last))
                        continue;
                if (removal->left == 0)
                        return 1;
                r = remove_entry(dirfd(dir), entry->d_name, depth, removal);
                if (r > 0)
                        return r;
                if (r < 0 && first_error == 0)
                        first_error = r;
                /* A folder that took the last of it counts no more. */
                removal->left -= r == 0 && removal->left > 0 && removal->left != UINT_MAX;
        }
        return first_error;
}

int remove_tree_part(const char *path, unsigned limit, const char *last) {
        struct removal removal = {limit, last};
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        r = remove_contents(fd, 0, &removal);
        if (r != 0)
                return r;
        if (last) {
                _cleanup_free_ char *left = path_join(path, last);

                if (unlink(left) < 0 && errno != ENOENT)
                        return -errno;
        }
        return rmdir(path) < 0 ? -errno : 0;
}

int remove_tree(const char *path) {
        return remove_tree_part(path, UINT_MAX, NULL);
}

int fd_set_nonblock(int fd, bool nonblock) {
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0)
                return -errno;
        flags = nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_set_cloexec(int fd, bool cloexec) {
        return fcntl(fd, F_SETFD, cloexec ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

char *path_join(const char *dir, const char *name) {
        return xasprintf("%s%s%s", dir, endswith(dir, "/") ? "" : "/", name);
}

#define COMPONENT_MAX 128

char *path_escape_component(const char *name) {
        _cleanup_buf_ struct buf buf = BUF_INIT(SIZE_MAX / 2);

        for (const char *c = name; *c; c++) {
                bool plain = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
                             *c == '_' || *c == '-' || (*c == '.' && c != name);

                if (plain)
                        (void)buf_append_char(&buf, *c);
                else
                        (void)buf_appendf(&buf, "%%%02X", (unsigned char)*c);
        }
        if (buf.len > COMPONENT_MAX) {
                uint64_t hash = fnv64(FNV64_START, name, strlen(name));

                return xasprintf("%.*s%016" PRIx64, COMPONENT_MAX - 16, buf_data(&buf), hash);
        }
        return buf_steal(&buf);
}
