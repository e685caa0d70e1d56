/* Files and descriptors. All functions: 0 (or a descriptor) or negative errno. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The whole file, NUL behind it; -E2BIG when it is longer than max. ret_len may be NULL. */
int read_file(const char *path, size_t max, char **ret, size_t *ret_len);
/* Temporary file beside it, fdatasync, rename: readers see the old or the new content, never a part. */
int write_file_atomic(const char *path, const void *data, size_t len, mode_t mode);
/* Creates the folder and those above it that are missing. */
int mkdir_parents(const char *path, mode_t mode);
/* Removes a folder with all in it; never follows symbolic links. */
int remove_tree(const char *path);
/* The same in parts: at most limit entries now. 1: there is more of it; 0: all is gone. `last` (may be NULL) is the
 * entry of the folder itself that goes after all others. */
int remove_tree_part(const char *path, unsigned limit, const char *last);
/* Writes all, again after EINTR and short writes; for blocking descriptors. */
int write_all(int fd, const void *data, size_t len);
/* Reads up to len bytes at offset, again after EINTR and short reads: the bytes read, less than len only at the end. */
ssize_t pread_full(int fd, void *data, size_t len, off_t offset);
int pwrite_all(int fd, const void *data, size_t len, off_t offset);
int fd_set_nonblock(int fd, bool nonblock);
int fd_set_cloexec(int fd, bool cloexec);
/* dir + "/" + name in new memory. */
char *path_join(const char *dir, const char *name);
/* A name that is safe as one path component: everything but A-Z a-z 0-9 _ - and non-leading '.' becomes %HH; at most
 * 128 bytes (a longer one is cut and ends in a hash of the whole). New memory. */
char *path_escape_component(const char *name);
