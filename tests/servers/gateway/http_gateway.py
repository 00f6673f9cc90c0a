# SPDX-License-Identifier: Apache-2.0
"""GET /api/v1/events and /api/v1/devices/ID/events as the hub's HTTP gateway answers them, over TLS."""
import http.server
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import protojson
from hub import INTERNAL, UNAUTHENTICATED, Refused

HUGE = 33 << 20


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub = faults = None

    def log_message(self, *_):
        pass

    def refuse(self, status, code, words):
        body = json.dumps({"code": code, "message": words, "details": []}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def question(self):
        url = urllib.parse.urlsplit(self.path)
        query = {key.lower(): values for key, values in urllib.parse.parse_qs(url.query).items()}
        parts = url.path.rstrip("/").split("/")
        devices = query.get("deviceidfilter", [])
        if parts[:4] == ["", "api", "v1", "devices"] and parts[5:] == ["events"]:
            devices = [parts[4]]
        elif parts != ["", "api", "v1", "events"]:
            return None
        resources = [(one[:36], one[36:]) for one in query.get("resourceidfilter", [])]
        return devices, resources, int(query.get("timestampfilter", ["0"])[0])

    def do_GET(self):
        question = self.question()
        if question is None:
            self.refuse(404, 5, "Not Found")
            return
        try:
            owner = self.hub.owner(self.headers.get("Authorization"))
        except Refused as refused:
            self.refuse(401, UNAUTHENTICATED, str(refused))
            return
        answer = [protojson.full(one) for one in self.hub.answer(owner, *question)]
        fault = self.faults.take() if answer else None
        good = self.headers.get("Accept") == "application/protojson" and fault != "lossy"
        lines = [protojson.line({"result": one if good else protojson.lossy(one)}) for one in answer]
        self.answer(lines, "application/jsonpb" if good else "application/json", fault)

    def piece(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self, lines, content_type, fault):
        if fault in ("unavailable", "page"):
            self.no_answer(fault)
            return
        self.send_response(200)
        if lines:
            self.send_header("Content-Type", content_type)
        if fault == "endless":
            # Neither a length nor pieces: the end is that of the connection.
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"".join(lines[:len(lines) // 2]))
            self.close_connection = True
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, line in enumerate(lines):
            if number == len(lines) // 2 and self.fail(fault, line):
                return
            self.piece(line)
        self.wfile.write(b"0\r\n\r\n")

    def no_answer(self, fault):
        if fault == "unavailable":
            self.refuse(503, 14, "no connection to resource-directory")
            return
        body = b"<!DOCTYPE html><title>Log in</title>\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, fault, line):
        """True when nothing more is to come."""
        if fault == "error":
            self.piece(protojson.line({"error": {"code": INTERNAL, "message": "cannot receive event", "details": []}}))
            self.wfile.write(b"0\r\n\r\n")
        elif fault == "slow":
            time.sleep(20)
        elif fault == "cut":  # what the write time-out does: no last piece, in the middle of a line
            self.wfile.write(b"%x\r\n%s" % (len(line), line[:len(line) // 2]))
            self.close_connection = True
        elif fault == "cut-line":  # a whole last piece, and half a line in it
            self.piece(line[:len(line) // 2])
            self.wfile.write(b"0\r\n\r\n")
        elif fault == "no-end":  # between two lines
            self.close_connection = True
        elif fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
            self.connection.close()
            self.close_connection = True
        elif fault == "garbage":
            self.piece(b"\x00\xff\x01 no JSON at all\n")
            self.wfile.write(b"0\r\n\r\n")
        elif fault == "huge":
            self.piece(b'{"result":{"resourceChanged":{"etag":"' + b"A" * HUGE + b'"}}}\n')
            self.wfile.write(b"0\r\n\r\n")
        else:
            return False
        return True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a caller that went away


def start(hub, faults, certificates, with_client):
    class Bound(Handler):
        pass

    Bound.hub, Bound.faults = hub, faults
    server = Server(("127.0.0.1", 0), Bound)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    if with_client:
        context.load_verify_locations(certificates / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, server.server_address[1]
