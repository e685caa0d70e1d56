/* Removing folders: done on the reader's thread, since a temporary folder can hold very many files. */
#include <errno.h>

#include "fileutil.h"
#include "history_internal.h"

int ask_remove_folder(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                      char **ret_error) {
        int r = remove_tree(question->selector);

        if (r < 0 && r != -ENOENT)
                return r;
        *ret_answer = jval_object();
        return 0;
}
