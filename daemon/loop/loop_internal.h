/* Shared by the files of this folder only. */
#pragma once

#include "loop.h"

struct event_base;
struct event_base *loop_base(struct loop *loop);
/* To be called by every callback: the pass has work to close. */
void loop_mark_busy(struct loop *loop);
