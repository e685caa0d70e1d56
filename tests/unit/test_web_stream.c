/* Chunks and the streams that share them, on a real socket that is read as slowly as the test wants. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "buf.h"
#include "chunk.h"
#include "feed.h"
#include "http_conn.h"
#include "loop.h"
#include "macro.h"
#include "stream.h"
#include "xalloc.h"

static struct jval *lines_from(int64_t first, int64_t last, size_t width) {
        struct jval *lines = jval_array();
        _cleanup_free_ char *text = xmalloc(width + 1);

        memset(text, 'x', width);
        text[width] = '\0';
        for (int64_t i = first; i <= last; i++) {
                struct jval *line = jval_object();

                jval_set_int(line, "seq", i);
                jval_set_str(line, "text", text);
                jval_add(lines, line);
        }
        return lines;
}

static struct chunk *lines_chunk(int64_t first, int64_t last, size_t width) {
        _cleanup_jval_ struct jval *lines = lines_from(first, last, width);

        return chunk_of_lines(lines, 0, 0);
}

static void test_chunk_of_lines(void **state) {
        _cleanup_jval_ struct jval *lines = lines_from(3, 5, 1);
        struct chunk *chunk = chunk_of_lines(lines, 3, 2);
        struct buf rest = BUF_INIT(4096);

        assert_string_equal(chunk->text,
                            "id: 5\nevent: lines\ndata: {\"skipped\":2,\"lines\":[{\"seq\":4,\"text\":\"x\"},{"
                            "\"seq\":5,\"text\":\"x\"}]}\n\n");
        assert_int_equal(chunk->first, 4);
        assert_int_equal(chunk->last, 5);
        assert_int_equal(chunk_append_rest(chunk, 4, &rest), 0);
        assert_string_equal(buf_data(&rest),
                            "id: 5\nevent: lines\ndata: {\"skipped\":0,\"lines\":[{\"seq\":5,\"text\":\"x\"}]}\n\n");
        assert_null(chunk_of_lines(lines, 5, 0));
        chunk_unref(chunk);
        buf_done(&rest);
}

/* A stream between the two ends of a socket, with a feed of so many bytes. */
struct fixture {
        struct loop *loop;
        struct feed feed;
        struct stream *stream;
        struct http_conn *conn;
        int client;
        struct buf got;
        int gone;
        bool closed;
        int64_t older; /* lines up to this one come from want_more */
};

static void on_request(struct http_conn *conn, const struct http_request *request, void *user) {
        struct fixture *f = user;

        f->conn = conn;
}

static void on_closed(struct http_conn *conn, void *user) {
        struct fixture *f = user;

        f->closed = true;
}

static void on_gone(struct stream *stream, void *user) {
        struct fixture *f = user;

        f->gone++;
        f->stream = NULL;
}

static void want_more(struct stream *stream, void *user) {
        struct fixture *f = user;

        if (stream->last < f->older) {
                struct chunk *chunk = lines_chunk(stream->last + 1, f->older, 1);

                (void)buf_append(&stream->own, chunk->text, chunk->len);
                stream->last = chunk->last;
                chunk_unref(chunk);
        } else {
                stream_go_live(stream, f->feed.base);
        }
        stream_pump(stream);
}

static void stop(void *user) {
        loop_exit(user, 0);
}

/* One more pass of the loop. */
static void turn(struct fixture *f) {
        loop_defer(f->loop, stop, f->loop);
        (void)loop_run(f->loop);
}

/* Reads all that is there, as often as something comes. */
static void read_all(struct fixture *f) {
        char bytes[65536];
        ssize_t n;

        for (int quiet = 0; quiet < 3; quiet++) {
                turn(f);
                while ((n = recv(f->client, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
                        (void)buf_append(&f->got, bytes, (size_t)n);
                        turn(f);
                        quiet = 0;
                }
        }
}

static void set_up(struct fixture *f, size_t ring) {
        static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        struct http_conn_settings settings = {.request = on_request, .closed = on_closed, .user = f};
        struct http_conn *conn;
        int fds[2];

        *f = (struct fixture){.got = BUF_INIT((size_t)64 * 1024 * 1024)};
        assert_int_equal(loop_new(&f->loop), 0);
        settings.loop = f->loop;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        f->client = fds[1];
        feed_init(&f->feed, ring);
        assert_int_equal(http_conn_new(&conn, &settings, fds[0], "test"), 0);
        assert_int_equal(write(f->client, request, sizeof(request) - 1), (ssize_t)sizeof(request) - 1);
        while (!f->conn)
                turn(f);
}

static void begin(struct fixture *f, int64_t last) {
        f->stream = stream_new(&f->feed, f->conn, want_more, on_gone, f);
        f->stream->last = last;
        read_all(f);
}

static void tear_down(struct fixture *f) {
        if (!f->closed)
                http_conn_close(f->conn);
        turn(f);
        turn(f);
        feed_done(&f->feed);
        buf_done(&f->got);
        (void)close(f->client);
        loop_free(f->loop);
}

/* Sequence numbers that were received, checked to rise by one but where `skipped` tells of a gap; how many were
 * skipped. */
static int64_t check_sequence(const struct fixture *f, int64_t first, int64_t last) {
        const char *text = buf_data(&f->got);
        int64_t next = first, skipped = 0;

        while ((text = strpbrk(text, "\""))) {
                if (strncmp(text, "\"skipped\":", 10) == 0) {
                        int64_t n = strtoll(text + 10, NULL, 10);

                        skipped += n;
                        next += n;
                } else if (strncmp(text, "\"seq\":", 6) == 0) {
                        assert_int_equal(strtoll(text + 6, NULL, 10), next);
                        next++;
                }
                text++;
        }
        assert_int_equal(next, last + 1);
        return skipped;
}

static void test_live_lines(void **state) {
        struct fixture f;

        set_up(&f, 1000000);
        begin(&f, 0);
        for (int64_t i = 1; i <= 500; i += 5)
                feed_push(&f.feed, lines_chunk(i, i + 4, 10));
        read_all(&f);
        assert_int_equal(check_sequence(&f, 1, 500), 0);
        assert_non_null(strstr(buf_data(&f.got), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
        assert_non_null(strstr(buf_data(&f.got), "retry: "));
        tear_down(&f);
}

/* Joins in the middle of a chunk, with older lines from elsewhere first. */
static void test_joining_behind_older_lines(void **state) {
        struct fixture f;

        set_up(&f, 1000000);
        feed_push(&f.feed, lines_chunk(90, 109, 10));
        feed_push(&f.feed, lines_chunk(110, 120, 10));
        f.older = 97;
        begin(&f, 42);
        assert_int_equal(check_sequence(&f, 43, 120), 0);
        tear_down(&f);
}

static void test_slow_reader(void **state) {
        struct fixture f;
        int64_t skipped;

        set_up(&f, 100000);
        begin(&f, 0);
        /* Far more than the socket and the ring hold, and nothing of it is read meanwhile. */
        for (int64_t i = 1; i <= 20000; i += 10) {
                feed_push(&f.feed, lines_chunk(i, i + 9, 200));
                assert_true(f.feed.bytes <= 100000 + 8192);
                assert_true(f.stream->own.len < 8192);
        }
        read_all(&f);
        skipped = check_sequence(&f, 1, 20000);
        assert_in_range(skipped, 1000, 19999);
        tear_down(&f);
}

static void test_states_are_merged(void **state) {
        _cleanup_jval_ struct jval *value = jval_object();
        struct fixture f;
        size_t seen = 0;

        set_up(&f, 1000000);
        begin(&f, 0);
        f.stream->blocked = true;
        for (int i = 1; i <= 50; i++) {
                jval_set_int(value, "n", i);
                feed_push(&f.feed, chunk_new(CHUNK_STATE, "state", value));
        }
        f.stream->blocked = false;
        stream_pump(f.stream);
        read_all(&f);
        for (const char *at = buf_data(&f.got); (at = strstr(at, "event: state")); at++)
                seen++;
        assert_int_equal(seen, 1);
        assert_non_null(strstr(buf_data(&f.got), "{\"n\":50}"));
        tear_down(&f);
}

static bool skips_evens(const struct chunk *chunk, void *user) {
        return chunk->first % 2 == 0;
}

/* What is not for a stream is left out, however many come at once. */
static void test_what_is_not_for_it(void **state) {
        _cleanup_jval_ struct jval *value = jval_object();
        struct fixture f;
        size_t seen = 0;

        set_up(&f, 1000000);
        begin(&f, 0);
        f.stream->skips = skips_evens;
        f.stream->blocked = true;
        for (int64_t i = 1; i <= 40; i++) {
                struct chunk *chunk = chunk_new(CHUNK_NOTE, "changed", value);

                chunk->first = i;
                feed_push(&f.feed, chunk);
        }
        f.stream->blocked = false;
        stream_pump(f.stream);
        read_all(&f);
        for (const char *at = buf_data(&f.got); (at = strstr(at, "event: changed")); at++)
                seen++;
        assert_int_equal(seen, 20);
        tear_down(&f);
}

static void test_end_closes(void **state) {
        _cleanup_jval_ struct jval *value = jval_object();
        struct fixture f;
        char byte;

        set_up(&f, 1000000);
        begin(&f, 0);
        feed_push(&f.feed, lines_chunk(1, 3, 10));
        feed_push(&f.feed, chunk_new(CHUNK_END, "end", value));
        read_all(&f);
        assert_int_equal(check_sequence(&f, 1, 3), 0);
        assert_int_equal(f.gone, 1);
        assert_non_null(strstr(buf_data(&f.got), "event: end\ndata: {}\n\n"));
        assert_int_equal(recv(f.client, &byte, 1, MSG_DONTWAIT), 0);
        tear_down(&f);
}

static void test_a_client_that_leaves(void **state) {
        struct fixture f;

        set_up(&f, 1000000);
        begin(&f, 0);
        (void)shutdown(f.client, SHUT_RDWR);
        for (int i = 0; i < 5; i++) {
                feed_push(&f.feed, lines_chunk(i * 10 + 1, i * 10 + 10, 10));
                turn(&f);
        }
        assert_int_equal(f.gone, 1);
        assert_int_equal(f.feed.n_streams, 0);
        tear_down(&f);
}

static void test_keep_alive(void **state) {
        struct fixture f;

        set_up(&f, 1000000);
        begin(&f, 0);
        stream_keep_alive(f.stream, now_boottime(), 15 * USEC_PER_SEC);
        read_all(&f);
        assert_null(strstr(buf_data(&f.got), "\n\n:\n\n"));
        stream_keep_alive(f.stream, now_boottime() + 15 * USEC_PER_SEC, 15 * USEC_PER_SEC);
        read_all(&f);
        assert_non_null(strstr(buf_data(&f.got), "\n\n:\n\n"));
        tear_down(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_chunk_of_lines),
                cmocka_unit_test(test_live_lines),
                cmocka_unit_test(test_joining_behind_older_lines),
                cmocka_unit_test(test_slow_reader),
                cmocka_unit_test(test_states_are_merged),
                cmocka_unit_test(test_what_is_not_for_it),
                cmocka_unit_test(test_end_closes),
                cmocka_unit_test(test_keep_alive),
                cmocka_unit_test(test_a_client_that_leaves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
