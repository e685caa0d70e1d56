/* Re-execution in place: the same process goes on as the program that is installed now, with its socket, connections
 * and children. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "fields.h"
#include "fileutil.h"
#include "launcher_internal.h"
#include "log.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define HANDOVER_MAX ((size_t)1024 * 1024)

static int keep_fd(struct buf *content, const char *key, int fd) {
        if (fd < 0)
                return 0;
        int r = fd_set_cloexec(fd, false);
        return r < 0 ? r : fields_add_int64(content, key, fd);
}

static int write_handover(const struct launcher *launcher, struct buf *content) {
        int r = keep_fd(content, launcher->is_listen_inherited ? "inherited_listen_fd" : "listen_fd",
                        launcher->listen_fd);
        if (r >= 0)
                r = keep_fd(content, "lock_fd", launcher->lock_fd);
        for (size_t i = 0; r >= 0 && i < launcher->n_connections; i++)
                r = keep_fd(content, "connection_fd", launcher->connections[i]);
        for (size_t i = 0; r >= 0 && i < launcher->n_monitors; i++) {
                const struct launched *monitor = &launcher->monitors[i];
                if (monitor->pid_fd >= 0)
                        continue; /* found again as at any start */
                _cleanup_free_ char *child = xasprintf("%d %" PRId64, (int)monitor->pid, monitor->number);
                r = fields_add(content, "child", child);
        }
        return r;
}

static int make_handover(const struct launcher *launcher) {
        _cleanup_buf_ struct buf content = BUF_INIT(HANDOVER_MAX);
        int r = write_handover(launcher, &content);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = memfd_create("launcher-handover", 0);
        if (fd < 0)
                return -errno;
        r = write_all(fd, buf_data(&content), content.len);
        return r < 0 ? r : steal_fd(&fd);
}

static char *own_program(void) {
        char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (n <= 0)
                return NULL;
        path[n] = 0;
        /* The running file was replaced by a newer one: that is what is wanted. */
        static const char deleted[] = " (deleted)";
        if (endswith(path, deleted))
                path[(size_t)n - strlen(deleted)] = 0;
        return xstrdup(path);
}

bool launcher_is_outdated(void) {
        _cleanup_free_ char *program = own_program();
        struct stat running, installed;
        return program && stat("/proc/self/exe", &running) >= 0 && stat(program, &installed) >= 0 &&
               (running.st_dev != installed.st_dev || running.st_ino != installed.st_ino);
}

void launcher_upgrade(struct launcher *launcher) {
        _cleanup_free_ char *program = own_program();
        _cleanup_close_ int handover = make_handover(launcher);
        if (handover < 0 || !program) {
                log_error("cannot hand over to a new launcher: %s", strerror(handover < 0 ? -handover : ENOENT));
                return;
        }
        _cleanup_strv_ char **argv = NULL;
        STRV_FOREACH (argument, launcher->options->argv)
                if (!startswith(*argument, "--resume="))
                        strv_append(&argv, *argument);
        strv_append_take(&argv, xasprintf("--resume=%d", handover));
        execv(program, argv);
        log_error("cannot execute %s anew, going on as before: %s", program, strerror(errno));
}

static int take_child(struct launcher *launcher, const char *text) {
        int pid;
        int64_t number;
        if (sscanf(text, "%d %" SCNd64, &pid, &number) != 2 || pid <= 1)
                return -EBADMSG;
        GROW(launcher->monitors, launcher->n_monitors, launcher->monitors_capacity);
        launcher->monitors[launcher->n_monitors++] =
                (struct launched){.pid = (pid_t)pid, .number = number, .pid_fd = -1};
        return 0;
}

static int take_field(struct launcher *launcher, const struct field *field) {
        int64_t fd;
        if (field_is(field, "child"))
                return take_child(launcher, field->value);
        if (parse_int64_range(field->value, 3, INT32_MAX, &fd) < 0)
                return -EBADMSG;
        int r = fd_set_cloexec((int)fd, true);
        if (r < 0)
                return r;
        launcher->is_listen_inherited |= field_is(field, "inherited_listen_fd");
        if (field_is(field, "listen_fd") || field_is(field, "inherited_listen_fd"))
                launcher->listen_fd = (int)fd;
        else if (field_is(field, "lock_fd"))
                launcher->lock_fd = (int)fd;
        else if (field_is(field, "connection_fd") && launcher->n_connections < LAUNCHER_CONNECTIONS_MAX)
                launcher->connections[launcher->n_connections++] = (int)fd;
        return 0;
}

int launcher_resume(struct launcher *launcher, int resume_fd) {
        _cleanup_close_ int fd = resume_fd;
        _cleanup_free_ char *content = xmalloc(HANDOVER_MAX);
        ssize_t n = pread(fd, content, HANDOVER_MAX, 0);
        if (n < 0)
                return -errno;
        const char *cursor = content;
        struct field field;
        int r;
        while ((r = fields_next(&cursor, content + n, &field)) > 0) {
                r = take_field(launcher, &field);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : launcher->listen_fd >= 0 ? 0 : -EBADMSG;
}
