/* A log file that rotates by size: FILE, FILE.1 (the last before it), FILE.2, ... */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct log_file;

/* Appends to path, which is made with mode 0640. It is renamed before it would pass max_size bytes (0: never); `keep`
 * older ones stay. 0 or negative errno. */
int log_file_open(struct log_file **ret, const char *path, uint64_t max_size, unsigned keep);
struct log_file *log_file_close(struct log_file *file);
/* Whole lines, in one write. 0 or negative errno; nothing or a part was written then, and the next line begins on a
 * line of its own. */
int log_file_write(struct log_file *file, const void *data, size_t len);
/* Opens the path anew, after somebody else has moved the file away. On failure the old one stays in use. */
int log_file_reopen(struct log_file *file);
