/* An engine.h for tests of what lies above the engine: it answers at once, later, or with an error, as it is told, and
 * keeps what it was asked. All of it is used on one thread, the loop's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"

struct fake_engine_state {
        bool hold;                   /* keep answers back until fake_engine_release */
        size_t answer_bytes;         /* pad results with a text of that length */
        enum error_kind refuse_with; /* when refuse is set */
        bool refuse;
        unsigned calls;       /* of any method */
        unsigned audited;     /* engine_audit_refused */
        char last_method[64]; /* of either */
        char last_outcome[64];
        char last_user[64];
        char last_on_behalf[64];
        size_t held;
        /* run.tail with follow */
        unsigned watches;          /* now */
        size_t notification_bytes; /* length of each line's text */
        unsigned long lines_left;  /* of each watch, from when it is made */
        bool end_after_lines;      /* run.end then, and the watch ends */
};

struct engine *fake_engine_new(void);
void fake_engine_free(struct engine *engine);
struct fake_engine_state *fake_engine_state(struct engine *engine);
/* Answers all that is held. */
void fake_engine_release(struct engine *engine);
/* Gives each watch that many lines more and says ready. */
void fake_engine_add_lines(struct engine *engine, unsigned long lines);
