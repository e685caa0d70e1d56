"""client PORT COMMAND [ARGUMENT]...: runs a command in the virtual machine whose agent answers there, with our standard input, output and error."""
import json
import os
import socket
import struct
import sys
import threading

HEADER = struct.Struct(">cI")


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            sys.exit("the machine is gone")
        data += piece
    return data


def send_input(connection):
    try:
        while data := os.read(0, 65536):
            connection.sendall(HEADER.pack(b"I", len(data)) + data)
        connection.sendall(HEADER.pack(b"I", 0))
    except OSError:
        pass  # the command has ended


def main():
    has_input = not os.path.samestat(os.fstat(0), os.stat("/dev/null"))
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        connection.sendall(json.dumps({"argv": sys.argv[2:], "stdin": has_input}).encode() + b"\n")
        if has_input:
            threading.Thread(target=send_input, args=(connection,), daemon=True).start()
        while True:
            kind, size = HEADER.unpack(read_exactly(connection, HEADER.size))
            data = read_exactly(connection, size)
            if kind == b"X":
                os._exit(int(data))
            target = 1 if kind == b"O" else 2
            while data:
                data = data[os.write(target, data):]


main()
