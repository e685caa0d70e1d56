/* The end of a log file as text for people: what is kept as output_log. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "cri.h"
#include "fileutil.h"
#include "macro.h"
#include "utf8.h"
#include "xalloc.h"

#define TAIL_MAX ((size_t)256 * 1024)

/* Up to the last TAIL_MAX bytes of the file; starts at a line's border unless the file is one line. */
static int read_end(const char *path, char **ret, size_t *ret_len) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        size_t want = MIN((size_t)st.st_size, TAIL_MAX);
        off_t from = st.st_size - (off_t)want;
        _cleanup_free_ char *data = xmalloc(want + 1);
        ssize_t n = pread_full(fd, data, want, from);
        if (n < 0)
                return (int)n;
        size_t got = (size_t)n;
        if (from > 0) { /* the first line is cut: drop its rest */
                char *newline = memchr(data, '\n', got);
                size_t skip = newline ? (size_t)(newline - data) + 1 : 0;
                memmove(data, data + skip, got - skip);
                got -= skip;
        }
        *ret = STEAL_PTR(data);
        *ret_len = got;
        return 0;
}

/* Where the last `lines` whole lines begin (a line is its partial pieces and the last piece). */
static size_t find_start(const char *data, size_t len, unsigned lines) {
        struct cri_line line;
        size_t total = 0, seen = 0;
        int r;

        for (size_t at = 0; (r = cri_parse(data + at, len - at, &line)) != 0; at += line.size)
                total += r > 0 && !line.is_partial;
        if (total <= lines)
                return 0;
        for (size_t at = 0; (r = cri_parse(data + at, len - at, &line)) != 0; at += line.size) {
                seen += r > 0 && !line.is_partial;
                if (seen == total - lines)
                        return at + line.size;
        }
        return 0;
}

int cri_tail_text(const char *path, unsigned lines, char **ret) {
        _cleanup_free_ char *data = NULL;
        struct buf text = BUF_INIT(4 * TAIL_MAX);
        struct cri_line line;
        bool continues = false;
        size_t len = 0;
        int r;

        r = read_end(path, &data, &len);
        if (r < 0)
                return r;
        for (size_t at = lines > 0 ? find_start(data, len, lines) : len;
             (r = cri_parse(data + at, len - at, &line)) != 0; at += line.size) {
                if (r < 0)
                        continue;
                if (!continues && line.is_stderr)
                        (void)buf_append_str(&text, "[stderr] ");
                (void)utf8_append_escaped(&text, line.text, line.len);
                if (!line.is_partial)
                        (void)buf_append_char(&text, '\n');
                continues = line.is_partial;
        }
        /* What escaping made longer than the cap loses its older lines. */
        if (text.len > TAIL_MAX) {
                buf_consume(&text, text.len - TAIL_MAX);
                const char *newline = memchr(buf_data(&text), '\n', text.len);
                if (newline)
                        buf_consume(&text, (size_t)(newline - buf_data(&text)) + 1);
        }
        *ret = buf_steal(&text);
        return 0;
}
