/* What store.c shares with the other files of this folder. */
#pragma once

#include "batch.h"
#include "reader.h"

struct writer;

/* The reader thread that history and outbox ask. */
struct reader *store_reader(const struct store *store);
const char *store_state_dir(const struct store *store);
