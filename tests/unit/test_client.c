/* The client library: calls, answers in any order, lost connections, and the follower's place. */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "follower.h"
#include "frame.h"
#include "unit.h"

static void feed_text(struct client *client, const char *text) {
        _cleanup_buf_ struct buf frame = BUF_INIT(FRAME_MAX);
        size_t size;

        assert_int_equal(frame_append(&frame, text, strlen(text)), 0);
        char *room = client_input(client, &size);
        assert_true(size >= frame.len);
        memcpy(room, buf_data(&frame), frame.len);
        client_received(client, frame.len);
}

/* The next call in the client's output, which is then sent. */
static struct jval *take_sent(struct client *client) {
        _cleanup_buf_ struct buf sent = BUF_INIT(FRAME_MAX);
        const char *payload;
        size_t len, payload_len;
        const char *data = client_output(client, &len);
        struct jval *call = NULL;

        (void)buf_append(&sent, data, len);
        if (frame_peek(&sent, &payload, &payload_len) <= 0)
                return NULL;
        assert_int_equal(jval_parse(payload, payload_len, &call, NULL), 0);
        client_sent(client, FRAME_HEADER_SIZE + payload_len);
        return call;
}

static void answers_find_their_calls(void **state) {
        _cleanup_(client_freep) struct client *client = client_new();
        _cleanup_message_ struct client_message first = {0}, second = {0}, notification = {0};
        _cleanup_free_ char *error = NULL;

        assert_int_equal(client_call(client, METHOD_DAEMON_STATUS, NULL), 1);
        assert_int_equal(client_call(client, METHOD_RUN_LIST, NULL), 2);
        assert_int_equal(client_pending(client), 2);
        feed_text(client, "{\"jsonrpc\":\"2.0\",\"method\":\"run.end\",\"params\":{\"last_seq\":3}}");
        feed_text(client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"runs\":[]}}");
        feed_text(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"no\",\"data\":{"
                          "\"kind\":\"not_found\",\"x\":1}}}");
        assert_int_equal(client_next(client, &notification, &error), 1);
        assert_int_equal(notification.kind, CLIENT_NOTIFICATION);
        assert_int_equal(notification.notification, NOTIFICATION_RUN_END);
        assert_int_equal(jval_get_int(notification.value, "last_seq", 0), 3);
        assert_int_equal(client_next(client, &second, &error), 1);
        assert_int_equal(second.kind, CLIENT_ANSWER);
        assert_int_equal(second.id, 2);
        assert_int_equal(second.method, METHOD_RUN_LIST);
        assert_int_equal(client_next(client, &first, &error), 1);
        assert_int_equal(first.kind, CLIENT_REFUSAL);
        assert_int_equal(first.error_kind, ERROR_KIND_NOT_FOUND);
        assert_string_equal(first.error_text, "no");
        assert_int_equal(jval_get_int(first.value, "x", 0), 1);
        assert_int_equal(client_pending(client), 0);
        assert_int_equal(client_next(client, &first, &error), 0);
}

static void nonsense_is_refused_with_a_reason(void **state) {
        static const char *const texts[] = {
                "no json",
                "[]",
                "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":1}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}",
                "{\"jsonrpc\":\"2.0\",\"id\":1}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"text\"}",
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                _cleanup_(client_freep) struct client *client = client_new();
                _cleanup_message_ struct client_message message = {0};
                _cleanup_free_ char *error = NULL;

                assert_int_equal(client_call(client, METHOD_DAEMON_STATUS, NULL), 1);
                feed_text(client, texts[i]);
                assert_int_equal(client_next(client, &message, &error), -EBADMSG);
                assert_non_null(error);
        }
}

static void a_call_over_a_new_connection_is_the_same_call(void **state) {
        _cleanup_(client_freep) struct client *client = client_new();
        _cleanup_message_ struct client_message message = {0};
        _cleanup_free_ char *error = NULL;
        struct jval *params = jval_object();

        jval_set_str(params, "job", "x");
        assert_int_equal(client_call(client, METHOD_RUN_START, params), 1);
        assert_int_equal(client_call(client, METHOD_DAEMON_STATUS, NULL), 2);
        _cleanup_jval_ struct jval *start = take_sent(client), *status = take_sent(client);
        assert_true(strlen(jval_get_str(jval_get(start, "params"), "request_id")) >= 16);
        assert_false(jval_has(jval_get(status, "params"), "request_id"));
        feed_text(client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
        assert_int_equal(client_next(client, &message, &error), 1);
        /* half an answer is lost with the connection */
        size_t size;
        memcpy(client_input(client, &size), "\0\0\1\0{", 5);
        client_received(client, 5);
        client_reconnected(client);
        _cleanup_jval_ struct jval *again = take_sent(client), *none = take_sent(client);
        assert_true(jval_equal(start, again));
        assert_null(none);
        feed_text(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
        client_message_done(&message);
        assert_int_equal(client_next(client, &message, &error), 1);
        assert_int_equal(message.method, METHOD_RUN_START);
}

static void a_call_that_does_not_fit_is_refused(void **state) {
        _cleanup_(client_freep) struct client *client = client_new();
        _cleanup_free_ char *text = calloc(1, FRAME_MAX + 1);
        struct jval *params = jval_object();

        memset(text, 'x', FRAME_MAX);
        jval_set_str(params, "job", text);
        assert_int_equal(client_call(client, METHOD_RUN_START, params), -E2BIG);
        assert_int_equal(client_pending(client), 0);
        size_t len;
        (void)client_output(client, &len);
        assert_int_equal(len, 0);
        assert_int_equal(client_call(client, METHOD_DAEMON_STATUS, NULL), 1);
}

static struct jval *json(const char *text) {
        struct jval *value = NULL;

        assert_int_equal(jval_parse(text, strlen(text), &value, NULL), 0);
        return value;
}

static void assert_params(const struct follower *follower, const char *expected) {
        _cleanup_jval_ struct jval *params = follower_params(follower);
        _cleanup_free_ char *text = jval_dump(params);

        assert_string_equal(text, expected);
}

static void a_follower_keeps_its_place(void **state) {
        _cleanup_follower_ struct follower follower;
        _cleanup_jval_ struct jval *answer = json("{\"run_id\":\"abc\",\"last\":5}"), *three = json("{\"seq\":3}"),
                                   *six = json("{\"seq\":6}");

        follower_init(&follower, "42", 10, true);
        assert_params(&follower, "{\"run\":\"42\",\"lines\":10,\"follow\":true}");
        follower_answered(&follower, answer);
        assert_true(follower_takes(&follower, three));
        assert_false(follower_takes(&follower, three));
        follower_covered(&follower, answer);
        assert_params(&follower, "{\"run\":\"abc\",\"after\":5,\"follow\":true}");
        assert_true(follower_takes(&follower, six));
        assert_false(follower_takes(&follower, three));
        assert_params(&follower, "{\"run\":\"abc\",\"after\":6,\"follow\":true}");
        follower_covered(&follower, answer);
        assert_params(&follower, "{\"run\":\"abc\",\"after\":6,\"follow\":true}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers_find_their_calls),
                cmocka_unit_test(nonsense_is_refused_with_a_reason),
                cmocka_unit_test(a_call_over_a_new_connection_is_the_same_call),
                cmocka_unit_test(a_call_that_does_not_fit_is_refused),
                cmocka_unit_test(a_follower_keeps_its_place),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
