/* Frames: a 4-byte big-endian length, then that many bytes of JSON. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define FRAME_HEADER_SIZE 4
#define FRAME_MAX ((size_t)1024 * 1024) /* of the JSON; either direction */

/* Looks at the front of a receive buffer. 1: *ret_payload and *ret_len are the whole payload of the first frame (valid
 * until the buffer changes), which the caller then drops with frame_consume; 0: more bytes are needed; -E2BIG: the
 * announced length is over FRAME_MAX
 * (*ret_len tells it). An empty frame is -EINVAL. */
int frame_peek(const struct buf *buf, const char **ret_payload, size_t *ret_len);
void frame_consume(struct buf *buf, size_t payload_len);
/* Appends a whole frame. 0 or -E2BIG. */
int frame_append(struct buf *buf, const void *payload, size_t len);
/* For payloads written in place: reserves the header, returns a mark; frame_end fills the length in (or takes the frame
 * back and returns -E2BIG when it grew over FRAME_MAX or the buffer's cap was hit). */
size_t frame_begin(struct buf *buf);
int frame_end(struct buf *buf, size_t mark);
