/* What an ended run needs no more: its TMPDIR, the instants of its clock, and the attempt files, whose content is in
 * state.db. Done on the reader's thread, in slices, since a run of many items has very many files, and so may its
 * temporary folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileutil.h"
#include "history_internal.h"
#include "strutil.h"

struct chore *chore_free(struct chore *chore) {
        if (chore->dir)
                (void)closedir(chore->dir);
        free(chore->error_text);
        free(chore);
        return NULL;
}

static int empty_file(int dir_fd, const char *name) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 || ftruncate(fd, 0) < 0 ? -errno : 0;
}

/* Attempt files and the clock are emptied, and go with the run's folder. Removing them one by one, as fast as steps
 * come and go, makes the next ones slow to create: ext4 without a journal looks at every inode freed in the last
 * minutes before it takes one (1 ms a file instead of 20 us, seen after some thousand steps). What the files take of
 * the disk then is counted. */
static int tidy_file(struct chore *chore, const char *name) {
        int dir_fd = dirfd(chore->dir), r = 0;
        struct stat st;

        if (endswith(name, ".attempt") || streq(name, "clock"))
                r = empty_file(dir_fd, name);
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISREG(st.st_mode))
                chore->bytes += (int64_t)st.st_blocks * 512;
        return r;
}

/* The next files of the folder: -EINPROGRESS, or 0 behind the last one. */
static int tidy_files(struct chore *chore) {
        for (unsigned n = 0; n < CHORE_SLICE; n++) {
                struct dirent *entry = readdir(chore->dir);
                int r = entry ? tidy_file(chore, entry->d_name) : 0;

                if (!entry)
                        return 0;
                if (r < 0 && r != -ENOENT && chore->error == 0)
                        chore->error = r;
        }
        return -EINPROGRESS;
}

static int tidy_temporary(const struct question *question) {
        _cleanup_free_ char *tmp = path_join(question->selector, "tmp");
        int r = remove_tree_part(tmp, CHORE_SLICE, NULL);

        if (r < 0 && r != -ENOENT)
                question->chore->error = r;
        return r > 0 ? -EINPROGRESS : 0;
}

int ask_tidy_run(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error) {
        struct chore *chore = question->chore;
        int r = chore->dir ? 0 : tidy_temporary(question);

        if (r < 0)
                return r;
        if (!chore->dir)
                chore->dir = opendir(question->selector);
        if (!chore->dir && errno != ENOENT)
                return -errno;
        /* A folder that is gone takes nothing and has nothing to tidy. */
        r = chore->dir ? tidy_files(chore) : 0;
        if (r < 0)
                return r;
        if (chore->error < 0)
                return chore->error;
        *ret_answer = jval_object();
        jval_set_int(*ret_answer, "run_number", question->filter.before);
        jval_set_int(*ret_answer, "bytes", chore->bytes);
        return 0;
}
