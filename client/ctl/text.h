/* Values as people read them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "jval.h"
#include "term.h"
#include "timeutil.h"

#define TEXT_SIZE 64

/* "5min 20s", "1.5s", "120ms"; "-" for a negative one. Returns ret. */
char *text_duration(char ret[static TEXT_SIZE], double seconds);
/* The member's instant as "2026-11-22 13:00:00" in the local zone or UTC; "-" when there is none. Returns ret. */
char *text_instant(char ret[static TEXT_SIZE], const struct jval *object, const char *key, bool utc);
/* "5min 20s ago". Returns ret. */
char *text_ago(char ret[static TEXT_SIZE], const struct jval *object, const char *key, usec_t now);
/* The member's instant, or 0. */
usec_t get_instant(const struct jval *object, const char *key);
/* "12.3 MB" (powers of 1000). Returns ret. */
char *text_bytes(char ret[static TEXT_SIZE], int64_t bytes);
/* A number with its noun: "1 run", "3 runs". Returns ret. */
char *text_count(char ret[static TEXT_SIZE], int64_t count, const char *noun);
/* "week=12 season=2026" of an object's members. New string. */
char *text_members(const struct jval *object);
/* "failed (timeout)", "success": a status with its reason where that says more. New string. */
char *text_status(const struct jval *object);
/* Text in lines of the terminal's width, the first behind `first`, the others behind the indentation; where the output
 * is no terminal, one line. */
void append_wrapped(struct buf *out, const struct term *term, const char *first, enum style first_style, size_t indent,
                    enum style style, const char *text);
/* An error that may have several lines: the first line behind the label, the others below it. */
void append_labelled(struct buf *out, const struct term *term, const char *label, enum style style, const char *text);
