#include "download.h"

#include <stdlib.h>
#include <string.h>

#include "api_reply.h"
#include "buf.h"
#include "strutil.h"
#include "uuid.h"
#include "xalloc.h"

#define PAGE_TIMEOUT (15 * USEC_PER_SEC)
/* A page has 500 lines of at most 16 KiB, whose escapes make them four times as long. */
#define TEXT_MAX ((size_t)64 * 1024 * 1024)

struct download {
        struct daemon_link *link;
        struct http_conn *conn;
        struct buf text;
        char run_id[UUID_SIZE]; /* "" until the first answer */
        int64_t after;
        bool asking, complete, begun, gone;
};

static void free_download(struct download *download) {
        buf_done(&download->text);
        free(download);
}

static void append_line(struct buf *out, const struct jval *line) {
        const char *item = str_or(jval_get_str(line, "item"), "");
        bool is_error = streq_null(jval_get_str(line, "stream"), "stderr");

        (void)buf_appendf(out, "%s %s%s%s %s %s\n", str_or(jval_get_str(line, "time"), ""),
                          str_or(jval_get_str(line, "step"), ""), *item ? "." : "", item, is_error ? "!" : "|",
                          str_or(jval_get_str(line, "text"), ""));
}

static void ask(struct download *download);

static void on_closed(void *user) {
        struct download *download = user;

        download->gone = true;
        if (!download->asking)
                free_download(download);
}

/* Sends what there is, then asks for more, so that no more than a page is ever held. */
static void pump(void *user) {
        struct download *download = user;

        while (download->text.len > 0) {
                struct iovec part = {(char *)(uintptr_t)buf_data(&download->text), download->text.len};
                ssize_t n = http_conn_write(download->conn, &part, 1);

                if (n < 0)
                        return;
                buf_consume(&download->text, (size_t)n);
                if (n < (ssize_t)part.iov_len)
                        return;
        }
        if (download->complete) {
                http_conn_finish(download->conn);
                free_download(download);
        } else if (!download->asking) {
                ask(download);
        }
}

static const struct http_stream_ops ops = {.writable = pump, .closed = on_closed};

static void begin(struct download *download, const struct jval *answer) {
        _cleanup_free_ char *name = xasprintf("attachment; filename=\"batch-%lld-logs.txt\"",
                                              (long long)jval_get_int(answer, "run_number", 0));
        struct http_reply head = {.status = 200, .type = "text/plain; charset=utf-8"};
        const char *run_id = jval_get_str(answer, "run_id");

        if (run_id && strlen(run_id) < sizeof(download->run_id))
                memcpy(download->run_id, run_id, strlen(run_id) + 1);
        http_reply_add(&head, "Content-Disposition", name);
        http_reply_add(&head, "Cache-Control", "no-store");
        download->begun = true;
        http_conn_stream(download->conn, &head, &ops, download);
}

static void take_page(struct download *download, const struct jval *answer) {
        const struct jval *lines = jval_get(answer, "lines");
        int64_t before = download->after;

        for (size_t i = 0; i < jval_array_size(lines); i++) {
                append_line(&download->text, jval_at(lines, i));
                download->after = jval_get_int(jval_at(lines, i), "seq", download->after);
        }
        download->complete = !jval_has(answer, "next") || download->after == before;
}

static void answered(const struct client_message *message, const char *why, void *user) {
        struct download *download = user;
        bool is_answer = message && message->kind == CLIENT_ANSWER;

        download->asking = false;
        if (download->gone) {
                free_download(download);
                return;
        }
        if (!is_answer && !download->begun) {
                api_reply_message(download->conn, message, why);
                free_download(download);
                return;
        }
        if (is_answer) {
                take_page(download, message->value);
        } else {
                download->complete = true;
                (void)buf_appendf(&download->text, "-- the rest cannot be read now: %s\n",
                                  message ? message->error_text : why);
        }
        if (download->begun)
                pump(download);
        else
                begin(download, message->value);
}

static void ask(struct download *download) {
        struct jval *params = jval_object();

        jval_set_str(params, "run", download->run_id);
        jval_set_int(params, "after", download->after);
        download->asking = true;
        daemon_link_call(download->link, METHOD_RUN_TAIL, params, PAGE_TIMEOUT, answered, download);
}

void download_open(struct daemon_link *link, struct http_conn *conn, const char *run) {
        struct download *download = NEW(struct download);
        struct jval *params = jval_object();

        *download = (struct download){.link = link, .conn = conn, .text = BUF_INIT(TEXT_MAX), .asking = true};
        if (run)
                jval_set_str(params, "run", run);
        jval_set_int(params, "after", 0);
        daemon_link_call(link, METHOD_RUN_TAIL, params, PAGE_TIMEOUT, answered, download);
}
