"""Bad HTTP: a clear status, and nobody else is disturbed."""
import socket
import time

import pytest

from batchtest import paths

GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\n"


@pytest.fixture
def web(instance, make_web):
    return make_web(instance, page={"index.html": "x" * 1000}).start()


@pytest.mark.parametrize("data, status", [
    (b"nonsense\r\n\r\n", 400),
    (b"GET  /healthz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET http://h/healthz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /healthz HTTP/2.0\r\nHost: h\r\n\r\n", 505),
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (GET + b"Host: other\r\n\r\n", 400),
    (GET + b"No colon\r\n\r\n", 400),
    (GET + b"Blank : before\r\n\r\n", 400),
    (GET + b"Folded: a\r\n b\r\n\r\n", 400),
    (GET + b"Control: \x01\r\n\r\n", 400),
    (GET + b"Nul: \x00\r\n\r\n", 400),
    (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (GET + b"Content-Length: -1\r\n\r\n", 400),
    (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (GET + b"Transfer-Encoding: chunked\r\n\r\n", 411),
    (GET + b"Content-Length: 99999999\r\n\r\n", 413),
    (GET + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
    (GET + b"X: " + b"a" * 20000 + b"\r\n\r\n", 431),
    (GET + b"X: " + b"a" * 20000, 431),
    (GET + b"".join(b"X%d: y\r\n" % i for i in range(70)) + b"\r\n", 431),
    (b"GET /assets/../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /assets/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET //etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 405)])
def test_broken_requests_have_their_status(web, data, status):
    if status == 405:
        data = data[:-2] + b"Connection: close\r\n\r\n"
    answer = web.raw(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    kind = {405: b"unknown_method", 413: b"too_large", 414: b"too_large", 431: b"too_large"}.get(status, b"parse_error")
    assert b'"kind":"%s"' % kind in answer and b"\r\nConnection: close\r\n" in answer
    assert web.get("/healthz").status == 200


def test_requests_in_one_write_and_byte_by_byte(web):
    both = web.raw(GET + b"\r\n" + GET + b"Connection: close\r\n\r\n")
    assert both.count(b"HTTP/1.1 200 OK") == 2
    with socket.create_connection(("127.0.0.1", web.port), paths.patience()) as connection:
        for byte in GET + b"Connection: close\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
    old = web.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert old.startswith(b"HTTP/1.1 200 OK") and b"Connection: close" in old


def test_heads_and_bodies(web):
    """What a head promises is kept: no body for HEAD, a word before a body that waits for it."""
    head = web.raw(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\nContent-Length: 1000\r\n" in head and head.endswith(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", web.port), paths.patience()) as connection:
        connection.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n"
                           b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 422 ")
    refused = web.raw(b"POST /api/v1/runs HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500000)
    assert refused.startswith(b"HTTP/1.1 413 ") and refused.endswith(b"}"), "a refusal arrives although the client goes on sending"
    assert web.raw(b"\r\n\n" + GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 OK"), "left over from a request before"


def test_an_unfinished_request_is_given_up(web):
    """Ten seconds for a head, however it trickles in, while others are served."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", web.port), 40) as connection:
        connection.settimeout(0.5)
        received = b""
        for byte in b"GET / HTTP/1.1\r\n" + b"X: slow\r\n" * 100:
            connection.sendall(bytes([byte]))
            assert web.get("/healthz").status == 200
            try:
                received = connection.recv(1 << 16)
                break
            except TimeoutError:
                pass
        assert received.startswith(b"HTTP/1.1 408 "), received[:100]
    assert 8 < time.monotonic() - begun < paths.patience()


def test_a_client_that_does_not_read_holds_nobody_up(web):
    stalled = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", web.port), paths.patience())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall((b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") * 100)
        stalled.append(connection)
    for _ in range(20):
        assert web.get("/healthz").status == 200
    for connection in stalled:
        connection.close()
    assert web.get("/").status == 200
