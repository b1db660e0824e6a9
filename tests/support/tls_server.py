#!/usr/bin/python3
"""A TLS server on loopback that speaks HTTP/1.1 and, when asked, HTTP/2, with faults by path. It ends with its stdin.

Usage: tls_server.py CERTIFICATE KEY [h2]. Prints its port. Paths: /ok, /version (of HTTP), /big (8 MiB), /cut (the body
ends in the middle), /refused (the stream is reset), /goaway (the connection is given up after the answer), /echo.
"""

import socket
import ssl
import sys
import threading

import h2.config
import h2.connection
import h2.events

BIG = b"z" * (8 << 20)
counts = {"requests": 0}


def answer_to(path, body):
    if path == "/big":
        return BIG
    if path == "/echo":
        return body
    return b"ok"


def serve_one(connection):
    """HTTP/1.1, one request after the other."""
    stream = connection.makefile("rwb")
    while True:
        line = stream.readline()
        if not line:
            return
        path = line.split()[1].decode()
        length = 0
        while (header := stream.readline().strip()):
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        body = answer_to(path, stream.read(length))
        if path == "/version":
            body = b"1.1"
        stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        if path == "/cut":
            stream.write(body[:1])
            stream.flush()
            return
        stream.write(body)
        stream.flush()


class Two:
    """HTTP/2, many streams at once; bodies go out as far as the windows allow."""

    def __init__(self, connection):
        self.socket = connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.bodies = {}
        self.paths = {}
        self.waiting = {}

    def run(self):
        self.h2.initiate_connection()
        self.flush()
        while data := self.socket.recv(65536):
            for event in self.h2.receive_data(data):
                self.take(event)
            self.pour()
            self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.paths[event.stream_id] = dict(event.headers)[b":path"].decode()
            self.bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.answer(event.stream_id)

    def answer(self, stream):
        path = self.paths[stream]
        if path == "/refused":
            self.h2.reset_stream(stream, 2)
            return
        body = b"2" if path == "/version" else answer_to(path, self.bodies[stream])
        length = str(len(body) + (1 if path == "/cut" else 0))
        self.h2.send_headers(stream, [(":status", "200"), ("content-length", length)])
        if path == "/cut":
            self.h2.send_data(stream, body)
            self.h2.reset_stream(stream, 2)
            return
        self.waiting[stream] = body
        if path == "/goaway":
            self.pour()
            self.h2.close_connection()

    def pour(self):
        for stream in list(self.waiting):
            body = self.waiting[stream]
            while body:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
                if room == 0:
                    break
                self.h2.send_data(stream, body[:room])
                body = body[room:]
            self.waiting[stream] = body
            if not body:
                self.h2.end_stream(stream)
                del self.waiting[stream]


def serve(connection):
    try:
        with connection:
            if connection.selected_alpn_protocol() == "h2":
                Two(connection).run()
            else:
                serve_one(connection)
    except (OSError, ssl.SSLError, h2.exceptions.ProtocolError):
        pass


def accept_all(listener, context):
    while True:
        raw, _ = listener.accept()
        try:
            connection = context.wrap_socket(raw, server_side=True)
        except (OSError, ssl.SSLError):
            continue
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    context.set_alpn_protocols(["h2", "http/1.1"] if "h2" in sys.argv[3:] else ["http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept_all, args=(listener, context), daemon=True).start()
    sys.stdin.read()


main()
