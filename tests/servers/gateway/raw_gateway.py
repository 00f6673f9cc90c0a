# SPDX-License-Identifier: Apache-2.0
"""GetEvents over HTTP/2 by hand: what the gRPC library would never send.

A question that nothing is ordered for is answered like by the other one.
"""
import socket
import ssl
import struct
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from hub import Refused, Request, UNAUTHENTICATED

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
STRANGER = "11111111-2222-4333-8444-555555555555"


def frame(message, flags=0):
    return struct.pack(">BI", flags, len(message)) + message


class Connection:
    def __init__(self, sock, hub, faults):
        self.sock, self.hub, self.faults = sock, hub, faults
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.questions = {}

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the caller went away")
        events = self.h2.receive_data(data)
        self.flush()
        return events

    def serve(self):
        self.h2.initiate_connection()
        self.flush()
        while True:
            for event in self.receive():
                self.handle(event)

    def handle(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.questions[event.stream_id] = (dict(event.headers), bytearray())
        elif isinstance(event, h2.events.DataReceived):
            self.questions[event.stream_id][1].extend(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            headers, body = self.questions.pop(event.stream_id)
            self.answer(event.stream_id, {key.decode(): value.decode() for key, value in headers.items()}, bytes(body))
        self.flush()

    def send(self, stream, data):
        """As the windows of the other side allow."""
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.receive()
                continue
            self.h2.send_data(stream, data[:room])
            self.flush()
            data = data[room:]

    def end(self, stream, code=0, words=""):
        self.h2.send_headers(stream, [("grpc-status", str(code)), ("grpc-message", words)], end_stream=True)
        self.flush()

    def answer(self, stream, headers, body):
        try:
            owner = self.hub.owner(headers.get("authorization"))
        except Refused:
            # Without a body the trailer is the header.
            self.h2.send_headers(stream, HEADERS + [("grpc-status", str(UNAUTHENTICATED))], end_stream=True)
            self.flush()
            return
        request = Request.FromString(body[5:])
        messages = [one.SerializeToString() for one in self.hub.answer(owner, request.device_id_filter, [], 0)]
        fault = self.faults.take() if messages else None
        if fault in ("status", "page"):
            status = "503" if fault == "status" else "200"
            self.h2.send_headers(stream, [(":status", status), ("content-type", "text/html")])
            self.send(stream, b"<!DOCTYPE html><title>Log in</title>\n")
            self.h2.end_stream(stream)
            self.flush()
            return
        self.h2.send_headers(stream, HEADERS)
        half = len(messages) // 2
        for message in messages[:half]:
            self.send(stream, frame(message))
        if fault is None:
            for message in messages[half:]:
                self.send(stream, frame(message))
            self.end(stream)
        else:
            self.fail(stream, fault, messages[half])

    def fail(self, stream, fault, message):
        if fault == "cut":  # half a message, and a trailer that says OK
            self.send(stream, frame(message)[:len(message) // 2])
            self.end(stream)
        elif fault == "cut-prefix":
            self.send(stream, frame(message)[:3])
            self.end(stream)
        elif fault == "no-trailer":
            self.send(stream, frame(message))
            self.h2.end_stream(stream)
        elif fault == "reset-stream":
            self.h2.reset_stream(stream, error_code=2)
        elif fault == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            raise ConnectionError("reset")
        elif fault == "wait":  # until the caller goes away
            self.faults.path.with_name("waiting").touch()
            while True:
                self.receive()
        elif fault == "error":
            self.end(stream, 13, "cannot receive event: 100%25 of it%0Ais gone %zz")
        elif fault == "echo":  # the token, as a careless server's words may show it
            self.end(stream, 13, "cannot use token " + next(iter(self.hub.tokens)))
        elif fault == "status-word":
            self.h2.send_headers(stream, [("grpc-status", "broken")], end_stream=True)
        elif fault == "huge":
            self.send(stream, frame(b"\0" * ((4 << 20) + 1)))
            self.end(stream)
        elif fault == "compressed":
            self.send(stream, frame(message, flags=1))
            self.end(stream)
        elif fault == "garbage":
            self.send(stream, b"<html>" * 10)
            self.end(stream)
        elif fault == "no-protobuf":
            self.send(stream, frame(b"\x0a\xff\xff\xff\xff\x0f"))
            self.end(stream)
        elif fault == "stranger":
            self.send(stream, frame(self.of_stranger(message)))
            self.end(stream)
        else:
            raise ValueError(f"nobody knows {fault}")
        self.flush()

    @staticmethod
    def of_stranger(message):
        from hub import Response

        response = Response.FromString(message)
        inner = getattr(response, response.WhichOneof("type"))
        (inner.resource_id if hasattr(inner, "resource_id") else inner).device_id = STRANGER
        return response.SerializeToString()


def serve_one(sock, context, hub, faults):
    try:
        with context.wrap_socket(sock, server_side=True) as secure:
            Connection(secure, hub, faults).serve()
    except (OSError, h2.exceptions.ProtocolError):
        pass  # a caller that went away


def start(hub, faults, certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve_one, args=(sock, context, hub, faults), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener, listener.getsockname()[1]
