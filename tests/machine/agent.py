"""Runs commands in the virtual machine for a test outside: one connection a command.

The request is a line of JSON: {"argv": [...], "stdin": true|false}. Then both sides send frames, a kind (one byte), a length (four bytes,
big-endian) and so many bytes: I standard input (empty: its end), from the test; O and E standard output and error, X the exit status in
decimal, from here. A connection that ends takes the command with it.
"""
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time

PORT = 2
ADDRESS, GATEWAY = "10.0.2.15/24", "10.0.2.2"
ENVIRONMENT = {"LANG": "C.UTF-8", "SYSTEMD_PAGER": "", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
HEADER = struct.Struct(">cI")


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_frame(connection):
    kind, size = HEADER.unpack(read_exactly(connection, HEADER.size))
    return kind, read_exactly(connection, size)


def send_frame(connection, kind, data):
    connection.sendall(HEADER.pack(kind, len(data)) + data)


def read_line(connection):
    line = b""
    while not line.endswith(b"\n"):
        line += read_exactly(connection, 1)
    return line


def carry(connection, process):
    """Carries bytes until the command's output is at its end. EOFError, OSError: nobody wants it any more."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        outputs = {process.stdout: b"O", process.stderr: b"E"}
        for stream in outputs:
            selector.register(stream, selectors.EVENT_READ)
        while outputs:
            for key, _ in selector.select():
                if key.fileobj is connection:
                    _, data = read_frame(connection)
                    try:
                        process.stdin.write(data) if data else process.stdin.close()
                    except BrokenPipeError:
                        pass
                    continue
                data = os.read(key.fileobj.fileno(), 65536)
                if data:
                    send_frame(connection, outputs[key.fileobj], data)
                else:
                    selector.unregister(key.fileobj)
                    del outputs[key.fileobj]


def serve(connection):
    request = json.loads(read_line(connection))
    try:
        process = subprocess.Popen(request["argv"], cwd="/", env=ENVIRONMENT, bufsize=0, start_new_session=True,
                                   stdin=subprocess.PIPE if request["stdin"] else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        send_frame(connection, b"E", f"{request['argv'][0]}: {error.strerror}\n".encode())
        send_frame(connection, b"X", b"127")
        return
    try:
        carry(connection, process)
        status = process.wait()
        send_frame(connection, b"X", str(status if status >= 0 else 128 - status).encode())
    except (EOFError, OSError):
        os.killpg(process.pid, signal.SIGKILL)


def set_up_network():
    while not os.path.exists("/sys/class/net/eth0"):
        time.sleep(0.02)
    for command in ("link set lo up", "link set eth0 up", f"addr replace {ADDRESS} dev eth0"):
        subprocess.run(["ip", *command.split()], check=True)


def main():
    set_up_network()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server(("0.0.0.0", PORT), backlog=64) as listener:
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    serve(connection)
                except (EOFError, OSError) as error:
                    print(error, file=sys.stderr)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
