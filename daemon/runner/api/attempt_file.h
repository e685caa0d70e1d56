/* The attempt file: what daemon and monitor know of one attempt, on disk, whatever happens to either.
 *
 * A file of fixed size, allocated when it is made so that a full disk cannot take the result away: a head, then two
 * slots that are written in turn. A slot carries a generation and a checksum (CRC-32C) over itself, so that a torn
 * write is seen and the other slot, the version before it, is read. Numbers are little-endian. The content of a slot is
 * fields (fields.h), see attempt_state.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ATTEMPT_FILE_HEAD_SIZE ((size_t)4096)
#define ATTEMPT_FILE_SLOT_SIZE ((size_t)62 * 1024)
#define ATTEMPT_FILE_SIZE (ATTEMPT_FILE_HEAD_SIZE + 2 * ATTEMPT_FILE_SLOT_SIZE)
/* The greatest content of a slot. */
#define ATTEMPT_FILE_CONTENT_MAX (ATTEMPT_FILE_SLOT_SIZE - 32)

/* Allocates and writes the head. fd: open for reading and writing, empty. 0 or negative errno (-ENOSPC). */
int attempt_file_create(int fd);
/* Writes content as generation *generation + 1 over the older slot and, when that worked, counts *generation up. 0,
 * -E2BIG or negative errno. Not synced. */
int attempt_file_write(int fd, uint64_t *generation, const void *content, size_t len);
/* The newest whole content (new memory, NUL behind it) and its generation. -EBADMSG: no attempt file, or no slot of it
 * is whole; -EPROTONOSUPPORT: of a later version; -ENODATA: made, but nothing was written yet. */
int attempt_file_read(int fd, char **ret, size_t *ret_len, uint64_t *ret_generation);
