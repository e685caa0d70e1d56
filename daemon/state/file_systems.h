/* How much room is left where the daemon and its runs write. Asked of the kernel on the reader's thread, since
 * statvfs(3) waits where a disk does not answer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "jval.h"
#include "loop.h"

struct file_systems;
struct store;

/* A folder (absolute), and in a word what it is for: "state", "runs", ... */
struct file_system_use {
        const char *holds;
        const char *path;
};

/* Measures at once (before the loop runs: blocking), then by itself. The texts are copied. 0 or negative errno. */
int file_systems_new(struct file_systems **ret, struct loop *loop, struct store *store,
                     const struct file_system_use *uses, size_t n_uses);
/* Before the store is closed. */
struct file_systems *file_systems_free(struct file_systems *systems);
/* [{path, holds: [...], state, error, measured_at, free_bytes, total_bytes, free_inodes, total_inodes}] as last
 * measured, each file system once; has them measured anew for those who ask next. */
struct jval *file_systems_json(struct file_systems *systems);

/* Whether so little is left (of bytes or of inodes) that somebody should know: less than a tenth of all, and less than
 * `enough` as well, since a tenth of a large disk is plenty. */
bool file_system_is_low(uint64_t left, uint64_t total, uint64_t enough);
