#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "fileutil.h"
#include "xalloc.h"

extern char **environ;

static size_t count_lines(const struct buf *text) {
        size_t lines = 0;
        const char *p = buf_data(text), *end = p + text->len;
        while ((p = memchr(p, '\n', (size_t)(end - p)))) {
                lines++;
                p++;
        }
        return lines;
}

/* The pager, started through the shell as $PAGER may have arguments; its options for less are systemd's: quit when it
 * fits one screen, keep colours, chop long lines, no initialisation. */
static int start_pager(int *ret_fd, pid_t *ret_pid) {
        const char *pager = getenv("PAGER");
        if (!pager || pager[0] == '\0')
                pager = "less";
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        (void)setenv("LESS", "FRSXMK", 0);
        posix_spawn_file_actions_t actions;
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
        char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)pager, NULL};
        int r = -posix_spawn(ret_pid, "/bin/sh", &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(fds[0]);
        if (r < 0) {
                (void)close(fds[1]);
                return r;
        }
        *ret_fd = fds[1];
        return 0;
}

/* 0 when the pager has shown it; else it is to be shown without. */
static int show_paged(const struct buf *text) {
        int fd = -1, status = 0;
        pid_t pid;
        int r = start_pager(&fd, &pid);
        if (r < 0)
                return r;
        /* A pager that is left early closes the pipe, and Ctrl-C is for it to handle. */
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGINT, SIG_IGN);
        (void)write_all(fd, buf_data(text), text->len);
        (void)close(fd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGPIPE, SIG_DFL);
        /* 127: the shell did not find it */
        return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : 0;
}

void context_show(const struct context *context, const struct buf *text, bool may_page) {
        if (may_page && context->out.is_terminal && !context->global.no_pager &&
            count_lines(text) >= (size_t)context->out.rows && show_paged(text) == 0)
                return;
        (void)fwrite(buf_data(text), 1, text->len, stdout);
        (void)fflush(stdout);
}

void context_show_json(const struct jval *value) {
        _cleanup_free_ char *text = jval_dump_pretty(value);
        (void)puts(text);
}

void context_complain(const struct context *context, const char *format, ...) {
        if (context->is_silent)
                return;
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        (void)buf_appendf(&text, "%sbatchctl:%s ", term_begin(&context->err, STYLE_RED),
                          term_end(&context->err, STYLE_RED));
        va_list arguments;
        va_start(arguments, format);
        (void)buf_vappendf(&text, format, arguments);
        va_end(arguments);
        (void)buf_append_char(&text, '\n');
        (void)write_all(STDERR_FILENO, buf_data(&text), text.len);
}
