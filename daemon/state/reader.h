/* The reader thread: a connection to state.db that only reads, and work that is done with it, one after the other.
 * Chores are work that nobody waits for and that may be long (thousands of files to be removed): they are done in
 * slices, one between any two questions, so that a question waits for a slice at most. */
#pragma once

#include <stdbool.h>

#include <sqlite3.h>

#include "loop.h"

struct reader;

struct reader_task {
        /* On the reader's thread. db is the connection; state_dir the folder. False: a slice of a chore is done, and
         * there is more of it. */
        bool (*work)(struct reader_task *task, sqlite3 *db, const char *state_dir);
        /* On the loop, afterwards. Takes the task over. */
        void (*done)(struct reader_task *task);
        /* Instead of done, when the reader stops first. */
        void (*release)(struct reader_task *task);
        bool is_chore;
};

int reader_start(struct reader **ret, struct loop *loop, const char *path, const char *state_dir, char **ret_error);
struct reader *reader_stop(struct reader *reader);
/* 0 and the task is taken over, or -EAGAIN when too many wait. */
int reader_submit(struct reader *reader, struct reader_task *task);
