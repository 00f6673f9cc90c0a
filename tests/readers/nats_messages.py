#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the messages of a JetStream stream, as the server shows them.

    nats_messages.py [--publish-odd SUBJECT] PORT STREAM

One JSON object a message, in the form of read_archive.py. Speaks the NATS protocol itself (no log-in, no TLS) and
asks for each sequence alone (STREAM.MSG.GET). --publish-odd first publishes messages with the odd headers and bodies
that clients do not let through: they come out of an archive as they came in, or not.
"""
import argparse
import base64
import json
import re
import socket
import sys
from datetime import datetime

AHEAD = 200  # requests on their way
HEADERS = (
    b"One: 1\r\n",
    b"b: 2\r\nB: 3\r\na: 1\r\nb: 1\r\nb: 2\r\n",
    b"Empty:\r\nNext: n\r\n",
    b"Spaces:   two words  \r\n",
    b"Colon: a:b:c\r\nLatin: \xe4\xff\r\n",
    b"Long: " + b"x" * 3000 + b"\r\n",
)
BODIES = (b"", b"\0", bytes(range(256)), b"\r\n+OK\r\n", "h\u00e9".encode(), b"z" * 700000)


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.info = json.loads(self.file.readline().split(b" ", 1)[1])
        self.inbox = b"_INBOX.reader"
        self.send(b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}\r\n')
        self.send(b"SUB " + self.inbox + b".* 1\r\n")

    def send(self, data):
        self.socket.sendall(data)

    def request(self, number, subject, body):
        self.send(b"PUB %s %s.%d %d\r\n%s\r\n" % (subject.encode(), self.inbox, number, len(body), body))

    def publish(self, subject, headers, body):
        head = b"NATS/1.0\r\n" + headers + b"\r\n"
        sizes = b"%d %d" % (len(head), len(head) + len(body))
        self.send(b"HPUB %s %s.0 %s\r\n%s%s\r\n" % (subject.encode(), self.inbox, sizes, head, body))
        _, answer = self.answer()
        if "error" in answer or "seq" not in answer:
            raise SystemExit("the server did not take a message: %s" % answer)

    def answer(self):
        while True:
            line = self.file.readline()
            if line.startswith(b"PING"):
                self.send(b"PONG\r\n")
            elif line.startswith(b"MSG "):
                words = line.split()
                body = self.file.read(int(words[-1]) + 2)[:-2]
                return int(words[1].rsplit(b".", 1)[1]), json.loads(body)
            elif not line or line.startswith((b"-ERR", b"HMSG")):
                raise SystemExit("the server says %r" % line)


def nanoseconds(text):
    match = re.fullmatch(r"(.{19})(?:\.(\d{1,9}))?Z", text)
    whole = datetime.fromisoformat(match.group(1) + "+00:00")
    return int(whole.timestamp()) * 10**9 + int((match.group(2) or "0").ljust(9, "0"))


def read_headers(block):
    headers = {}
    lines = block.split(b"\r\n")
    assert lines[0] == b"NATS/1.0" and lines[-2:] == [b"", b""], lines
    for line in lines[1:-2]:
        name, value = line.split(b":", 1)
        headers.setdefault(name.decode(errors="replace"), []).append(value.strip().decode(errors="replace"))
    return headers


def show(message):
    return {
        "seq": message["seq"],
        "time": nanoseconds(message["time"]),
        "subject": message["subject"],
        "headers": read_headers(base64.b64decode(message["hdrs"])) if "hdrs" in message else {},
        "body": message.get("data", ""),
    }


def messages(connection, stream):
    connection.request(0, "$JS.API.STREAM.INFO." + stream, b"")
    state = connection.answer()[1]["state"]
    first, last = state["first_seq"], state["last_seq"]
    waiting, shown = {}, first
    asked = first
    while shown <= last:
        while asked <= last and asked < shown + AHEAD:
            connection.request(asked, "$JS.API.STREAM.MSG.GET." + stream, b'{"seq":%d}' % asked)
            asked += 1
        number, answer = connection.answer()
        waiting[number] = answer
        while shown in waiting:
            answer = waiting.pop(shown)
            shown += 1
            if "message" in answer:
                yield answer["message"]
            elif answer["error"]["err_code"] != 10037:  # no message there: deleted
                raise SystemExit("the server says %s" % answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--publish-odd", metavar="SUBJECT")
    parser.add_argument("port", type=int)
    parser.add_argument("stream")
    args = parser.parse_args()
    connection = Connection(args.port)
    if args.publish_odd:
        for headers in HEADERS:
            for body in BODIES:
                connection.publish(args.publish_odd, headers, body)
    for message in messages(connection, args.stream):
        print(json.dumps(show(message), sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
