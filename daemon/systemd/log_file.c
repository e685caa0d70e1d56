#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cleanup.h"
#include "xalloc.h"

struct log_file {
        char *path;
        int fd;
        uint64_t size, max_size;
        unsigned keep;
        bool torn; /* the last write ended within a line */
};

/* A descriptor, with the file's size. */
static int open_append(const char *path, uint64_t *ret_size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        *ret_size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
        return steal_fd(&fd);
}

int log_file_open(struct log_file **ret, const char *path, uint64_t max_size, unsigned keep) {
        uint64_t size = 0;
        struct log_file *file;
        int fd = open_append(path, &size);

        if (fd < 0)
                return fd;
        file = NEW(struct log_file);
        *file = (struct log_file){.path = xstrdup(path), .fd = fd, .size = size, .max_size = max_size, .keep = keep};
        *ret = file;
        return 0;
}

struct log_file *log_file_close(struct log_file *file) {
        if (!file)
                return NULL;
        (void)close(file->fd);
        free(file->path);
        free(file);
        return NULL;
}

int log_file_reopen(struct log_file *file) {
        uint64_t size = 0;
        int fd = open_append(file->path, &size);

        if (fd < 0)
                return fd;
        (void)close(file->fd);
        file->fd = fd;
        file->size = size;
        file->torn = false;
        return 0;
}

static int rotate(struct log_file *file) {
        for (unsigned i = file->keep; i > 0; i--) {
                _cleanup_free_ char *from = i == 1 ? xstrdup(file->path) : xasprintf("%s.%u", file->path, i - 1);
                _cleanup_free_ char *to = xasprintf("%s.%u", file->path, i);

                if (rename(from, to) < 0 && errno != ENOENT)
                        return -errno;
        }
        if (file->keep == 0 && unlink(file->path) < 0 && errno != ENOENT)
                return -errno;
        return log_file_reopen(file);
}

int log_file_write(struct log_file *file, const void *data, size_t len) {
        struct iovec parts[2] = {{.iov_base = (char[]){'\n'}, .iov_len = file->torn ? 1 : 0},
                                 {.iov_base = (void *)(uintptr_t)data, .iov_len = len}};
        ssize_t n;

        if (file->max_size > 0 && file->size > 0 && file->size + len > file->max_size) {
                int r = rotate(file);

                if (r < 0)
                        return r;
        }
        do
                n = writev(file->fd, parts, 2);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        file->size += (uint64_t)n;
        if ((size_t)n < len + parts[0].iov_len) {
                file->torn = file->torn || n > 0;
                return -ENOSPC;
        }
        file->torn = false;
        return 0;
}
