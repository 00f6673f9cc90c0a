# SPDX-License-Identifier: Apache-2.0
"""Writes an archive of evtrail, from docs/archive-format.md and from nothing else.

What the numbers in brackets say are sections there.
"""
import hashlib
import json
import os
import struct
from datetime import datetime, timezone

import zstandard

from wire import delimited, field, message, varint, zigzag

EVENT, REGISTRATION, FOREIGN, MALFORMED = range(4)  # classes of rows [6]
FURTHER, NO_TIME = 1, 2  # flags of rows [6]
NOWHERE = bytes(16)
FRAME_RECORDS = 64
JSON_EXACT = (1 << 53) - 1


class Record:
    """A message of the stream. rows: (device, aggregate, version, time, class, kind, flags)."""

    __slots__ = ("seq", "time", "subject", "body", "rows")

    def __init__(self, seq, time, subject, body, rows):
        self.seq, self.time, self.subject, self.body, self.rows = seq, time, subject, body, rows

    def encode(self):
        return message((1, self.seq), (2, self.time), (3, self.subject), (5, self.body))


class Tree:
    """The roots of the perfect subtrees, the largest first [9]."""

    def __init__(self):
        self.size, self.edge = 0, []

    def push(self, leaf):
        root, size = hashlib.sha256(b"\0" + leaf).digest(), self.size
        while size & 1:
            root = hashlib.sha256(b"\1" + self.edge.pop() + root).digest()
            size >>= 1
        self.edge.append(root)
        self.size += 1

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").hexdigest()
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        return root.hex()

    def state(self, when, edge):
        return {"size_" + when: number(self.size), "root_" + when: self.root(), edge: [r.hex() for r in self.edge]}


def number(value):
    return value if -JSON_EXACT <= value <= JSON_EXACT else str(value)


def time_text(time):
    text = datetime.fromtimestamp(time // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return "%s.%09dZ" % (text, time % 10**9)


def identity_of(time):
    """The name of a stream that was created then [1]."""
    text = datetime.fromtimestamp(time // 10**9, timezone.utc).strftime("%Y%m%dT%H%M%S")
    return "%s.%09dZ" % (text, time % 10**9)


def uuid_text(key):
    return "-".join(key.hex()[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


class Writer:
    """The frames of one archive, one after the other [2, 3]."""

    def __init__(self):
        self.packer = zstandard.ZstdCompressor(level=1, write_checksum=True, write_content_size=True)
        self.out, self.offset, self.table, self.files, self.padding = [], 0, [], [], 0

    def frame(self, raw, more=()):
        packed = self.packer.compress(raw)
        entry = [number(v) for v in (self.offset, len(packed), len(raw))]
        entry += [hashlib.sha256(packed).hexdigest()] + list(more)
        self.table.append(struct.pack("<II", len(packed), len(raw)) + packed[-4:])
        self.out.append(packed)
        self.offset += len(packed)
        return entry

    def member(self, name, mtime, frames):
        """frames: (raw bytes, what the manifest says of them beside)."""
        size = sum(len(raw) for raw, _ in frames)
        entries = [self.frame(bytes(self.padding) + tar_header(name, size, mtime))]
        entries += [self.frame(raw, more) for raw, more in frames]
        self.files.append({"member": name, "bytes": number(size), "frames": entries})
        self.padding = -size % 512

    def finish(self):
        """The end of the tar, and the seek table [4]."""
        self.frame(bytes(self.padding + 1024))
        table = b"".join(self.table) + struct.pack("<I", len(self.table)) + b"\x80\xb1\xea\x92\x8f"
        return b"".join(self.out) + b"\x5e\x2a\x4d\x18" + struct.pack("<I", len(table)) + table


def tar_header(name, size, mtime):
    block = bytearray(512)
    block[0 : len(name)] = name.encode()
    block[100:108], block[108:116], block[116:124] = b"000600 \0", b"000000 \0", b"000000 \0"
    block[124:136] = b"%011o " % size
    block[136:148] = b"%011o " % mtime
    block[148:156] = b" " * 8
    block[156:157] = b"0"
    block[257:265] = b"ustar\x0000"
    block[329:337] = block[337:345] = b"000000 \0"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def group(rows):
    """Rows of one device and aggregate [6]."""
    columns, last = [b"", b"", b""], [0, 0, 0]
    for row in rows:
        for i, value in enumerate((row[2], row[3], row[4])):
            difference = value - last[i]
            columns[i] += varint(difference if i == 0 else zigzag(difference))
            last[i] = value
    parts = [(1, rows[0][0] if any(rows[0][0]) else b""), (2, rows[0][1] if any(rows[0][1]) else b""), (3, len(rows))]
    for i, column in enumerate(columns):
        parts.append((4 + i, column if any(column) else b""))
    for i in (5, 6, 7):
        marks = bytes(row[i] for row in rows)
        if len(set(marks)) == 1:
            marks = marks[:1]
        parts.append((2 + i, marks if any(marks) else b""))
    return delimited(b"".join(field(n, value) for n, value in parts))


def index_frames(records):
    # device, aggregate, version, time, sequence, class, kind, flags
    rows = [row[:4] + (record.seq,) + row[4:] for record in records for row in record.rows]
    rows.sort(key=lambda row: (row[0], row[1], row[2], row[4], row[7]))
    frames, at = [], 0
    while at < len(rows):
        frame, first = b"", at
        while at < len(rows) and len(frame) < 32768:
            end = at
            while end < len(rows) and rows[end][:2] == rows[at][:2] and end - at < 256:
                end += 1
            frame += group(rows[at:end])
            at = end
        ends = [at - first]
        for row in (rows[first], rows[at - 1]):
            ends += [uuid_text(row[0]), uuid_text(row[1]), number(row[2])]
        frames.append((frame, ends))
    return frames, rows


def record_frames(records, leaves):
    frames = []
    for at in range(0, len(records), FRAME_RECORDS):
        some = records[at : at + FRAME_RECORDS]
        times = [record.time for record in some]
        raw = b"".join(delimited(leaf) for leaf in leaves[at : at + FRAME_RECORDS])
        frames.append((raw, [len(some)] + [number(v) for v in (some[0].seq, some[-1].seq, min(times), max(times))]))
    return frames


def build(stream, identity, first, last, records, holes, tree):
    """The bytes of the archive of first ... last; the records are pushed onto the tree."""
    header = {"format": "evtrail-archive", "version": 1, "requires": [], "stream": stream, "identity": identity}
    leaves = [record.encode() for record in records]
    trees = tree.state("before", "edge_before")
    for leaf in leaves:
        tree.push(leaf)
    trees.update(tree.state("after", "right_edge"))
    index, rows = index_frames(records)
    frames = record_frames(records, leaves)
    classes = [0, 0, 0, 0]
    for row in rows:
        if not row[7] & FURTHER:
            classes[row[5]] += 1
    times = [record.time for record in records]
    statement = {key: header[key] for key in ("format", "version", "stream", "identity")}
    statement.update(
        first_seq=number(first), last_seq=number(last), holes=[dict(zip(("first", "last", "type"), h)) for h in holes],
        counts=dict(zip(("messages", "events", "registrations", "foreign", "malformed", "rows"),
                        [len(records)] + classes + [len(rows)])),
        first_time=time_text(min(times)) if times else None, last_time=time_text(max(times)) if times else None,
        raw_bytes=sum(len(raw) for raw, _ in frames), tree=trees)
    out = Writer()
    latest = max(times) // 10**9 if times else 0
    last_record = records[-1].time // 10**9 if times else 0
    out.member("header.json", last_record, [(json.dumps(header).encode(), [])])
    if records:
        out.member("records/000000.pb", last_record, frames)
        out.member("index/0000.pb", latest, index)
    manifest = json.dumps({"statement": statement, "files": out.files}).encode()
    out.member("manifest.json", latest, [(manifest, [])])
    return out.finish()


def write(folder, stream, identity, first, last, records, holes, tree):
    """The archive and its sidecar, below FOLDER/stream/identity; its path."""
    where = os.path.join(folder, stream, identity)
    os.makedirs(where, mode=0o700, exist_ok=True)
    name = "%s-%020d-%020d.tar.zst" % (stream, first, last)
    data = build(stream, identity, first, last, records, holes, tree)
    path = os.path.join(where, name)
    for end, content in (("", data), (".sha256", ("%s  %s\n" % (hashlib.sha256(data).hexdigest(), name)).encode())):
        with open(path + end, "wb") as file:
            file.write(content)
    return path
