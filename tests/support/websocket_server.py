#!/usr/bin/python3
"""A WebSocket server on loopback out of nothing but sockets, so that it can break every rule. It ends with its stdin.

Usage: websocket_server.py [CERTIFICATE KEY]. Prints its port. What it does is chosen by the path.
"""

import base64
import hashlib
import os
import socket
import ssl
import struct
import sys
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload, fin=True, first=None, masked=False, length=None):
    head = bytes([(0x80 if fin else 0) | opcode if first is None else first])
    size = len(payload) if length is None else length
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mark | 127]) + struct.pack(">Q", size)
    if masked:
        head += b"\0\0\0\0"
    return head + payload


class Gone(Exception):
    pass


class Peer:
    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""

    def send(self, data):
        self.connection.sendall(data)

    def some(self):
        data = self.connection.recv(65536)
        if not data:
            raise Gone
        return data

    def exactly(self, count):
        while len(self.buffer) < count:
            self.buffer += self.some()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.some()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        return lines[0].split()[1], {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}, head

    def accept(self, headers, accept=None):
        key = headers["sec-websocket-key"].encode()
        answer = accept or base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        self.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + answer.encode() + b"\r\n\r\n")

    def receive(self):
        """One frame of the client: opcode and payload."""
        first, second = self.exactly(2)
        assert second & 0x80, "a client has to mask"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self.exactly(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.exactly(8))[0]
        mask = self.exactly(4)
        data = bytearray(self.exactly(size))
        for index in range(len(data)):
            data[index] ^= mask[index % 4]
        return first & 0x0F, bytes(data)

    def until_closed(self):
        try:
            while self.some():
                pass
        except (Gone, OSError):
            pass


def echo(peer):
    while True:
        opcode, data = peer.receive()
        if opcode == 8:
            peer.send(frame(8, data))
            return
        peer.send(frame(opcode, data))


def flood(peer):
    for index in range(4096):
        peer.send(frame(2, struct.pack(">I", index) + bytes(16380)))
    peer.send(frame(8, struct.pack(">H", 1000)))
    peer.until_closed()


def fragments(peer):
    peer.send(frame(1, "gr".encode(), fin=False) + frame(9, b"are you there") + frame(0, "üß".encode()[:3], fin=False)
              + frame(0, "üß".encode()[3:] + b"e"))
    opcode, data = peer.receive()
    peer.send(frame(1, b"pong " + data if opcode == 10 else b"no pong"))
    peer.send(frame(8, struct.pack(">H", 4001) + b"enough"))
    peer.receive()


counted = {"messages": 0, "goodbye": threading.Event(), "code": 0}


def count(peer):
    while True:
        opcode, data = peer.receive()
        if opcode == 8:
            counted["code"] = struct.unpack(">H", data[:2])[0]
            counted["goodbye"].set()
            return
        counted["messages"] += 1


def tell_count(peer):
    counted["goodbye"].wait()
    peer.send(frame(1, b"%d messages, then %d" % (counted["messages"], counted["code"])))
    peer.receive()


HOSTILE = {
    "/masked": frame(1, b"x", masked=True),
    "/reserved": frame(1, b"x", first=0x80 | 0x40 | 1),
    "/opcode": frame(3, b"x"),
    "/bad_text": frame(1, b"\xff\xfe"),
    "/long_ping": frame(9, bytes(126)),
    "/oversized": frame(2, b"", length=1 << 40),
    "/negative": frame(2, b"", length=(1 << 64) - 1),
    "/no_beginning": frame(0, b"x"),
    "/bad_close": frame(8, b"\x03"),
    "/bad_code": frame(8, struct.pack(">H", 1005)),
}


def serve(connection):
    peer = Peer(connection)
    try:
        path, headers, head = peer.request()
        if path == "/never":
            peer.until_closed()
        elif path == "/drip":
            while True:
                peer.send(b"H")
                time.sleep(0.01)  # an endless beginning of an answer
        elif path.startswith("/status/"):
            peer.send(b"HTTP/1.1 %s No\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n" % path[8:11].encode())
            peer.until_closed()
        elif path == "/garbage":
            peer.send(b"\x00\x01\x02 nothing known\r\n\r\n")
        elif path == "/wrong_accept":
            peer.accept(headers, accept="d3Jvbmc=")
            peer.until_closed()
        else:
            peer.accept(headers)
            if path == "/head":
                peer.send(frame(1, head))
                echo(peer)
            elif path == "/cut":
                peer.send(frame(1, b"whole") + frame(1, b"half", length=100)[:-2])
            elif path == "/bye":
                peer.send(frame(8, struct.pack(">H", 1011) + b"trouble"))
                peer.until_closed()
            elif path == "/silent":
                peer.until_closed()
            elif path in HOSTILE:
                peer.send(HOSTILE[path])
                if path == "/masked":
                    peer.until_closed()  # and never goes by itself
                peer.receive()
            else:
                {"/echo": echo, "/flood": flood, "/fragments": fragments, "/count": count,
                 "/counted": tell_count}[path](peer)
    except (Gone, OSError, AssertionError):
        pass
    finally:
        connection.close()


def accept_all(listener, context):
    while True:
        connection, _ = listener.accept()
        if context:
            try:
                connection = context.wrap_socket(connection, server_side=True)
            except OSError:
                continue
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept_all, args=(listener, context), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
