#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads an evtrail archive: an independent reader, written from docs/archive-format.md.

    read_archive.py [--check | --rows | --leaves] ARCHIVE.tar.zst

Prints the records (or, with --rows, the index rows) as NDJSON; with --leaves the leaves of the tree as lines of
hexadecimal digits. --check prints nothing but checks everything that the format lets a reader check (section 11;
rows are compared with the records' sequences only: check_rows.py does the rest). Exits with 1 and a line on stderr
when something is wrong. Frames are decompressed by the module `zstandard` where it
is installed, else by the program `zstd`.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys

try:
    import zstandard
except ImportError:
    zstandard = None

MASK = (1 << 64) - 1
HOLES = ("expired_before", "expired_while_reading", "absent", "not_requested")


class Damaged(Exception):
    pass


def need(good, words):
    if not good:
        raise Damaged(words)


def unpack(frame, raw_size):
    if zstandard is not None:
        try:
            raw = zstandard.ZstdDecompressor().decompress(frame, max_output_size=raw_size)
        except zstandard.ZstdError as error:
            raise Damaged("zstd: %s" % error) from error
    else:
        run = subprocess.run(["zstd", "-d", "-c", "-q"], input=frame, capture_output=True, check=False)
        need(run.returncode == 0, "zstd: " + run.stderr.decode(errors="replace").strip())
        raw = run.stdout
    need(len(raw) == raw_size, "a frame of another size than announced")
    return raw


def varint(data, at):
    value = shift = 0
    while True:
        need(at < len(data) and shift < 70, "a varint that does not end")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            need(value <= MASK, "a varint beyond 64 bits")
            return value, at


def delimited(data):
    at = 0
    while at < len(data):
        size, at = varint(data, at)
        need(size <= len(data) - at, "a message that goes on behind the end of its frame")
        yield data[at : at + size]
        at += size


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = varint(data, at)
        else:
            need(wire in (1, 2, 5), "a wire type that is none")
            size, at = varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
            need(size <= len(data) - at, "a field that goes on behind the end")
            value = data[at : at + size]
            at += size
        yield key >> 3, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def read_record(data):
    record = {"seq": 0, "time": 0, "subject": b"", "headers": [], "body": b""}
    last = 0
    for number, value in fields(data):
        need(number >= last and (number > last or number == 4 or number > 5), "a record that is not canonical")
        last = number
        if number == 1:
            record["seq"] = value
        elif number == 2:
            record["time"] = signed(value)
        elif number == 3:
            record["subject"] = value
        elif number == 4:
            entry = list(fields(value))
            name = b"".join(v for n, v in entry if n == 1)
            record["headers"].append((name, [v for n, v in entry if n == 2]))
        elif number == 5:
            record["body"] = value
    return record


def field_of(number, value):
    if isinstance(value, int):
        return number_bytes(number << 3) + number_bytes(value & MASK)
    return number_bytes(number << 3 | 2) + number_bytes(len(value)) + value


def number_bytes(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def canonical(record):
    """The bytes that a record must have."""
    parts = [field_of(n, record[name]) for n, name in ((1, "seq"), (2, "time"), (3, "subject")) if record[name]]
    names = [name for name, _ in record["headers"]]
    need(names == sorted(set(names)), "header names that are not sorted")
    for name, values in record["headers"]:
        need(values, "a header without a value")
        entry = field_of(1, name) if name else b""
        parts.append(field_of(4, entry + b"".join(field_of(2, value) for value in values)))
    if record["body"]:
        parts.append(field_of(5, record["body"]))
    return b"".join(parts)


def column(data, count, zigzag):
    if not data:
        return [0] * count
    values, at, last = [], 0, 0
    for _ in range(count):
        value, at = varint(data, at)
        if zigzag:
            value = (value >> 1) ^ -(value & 1)
        last = (last + value) & MASK
        values.append(last)
    need(at == len(data), "a column that is too long")
    return values


def marks(data, count):
    if len(data) <= 1:
        return [data[0] if data else 0] * count
    need(len(data) == count, "a column of the wrong length")
    return list(data)


def read_group(data):
    group = {number: b"" for number in range(1, 10)}
    group[3] = 0
    group.update(fields(data))
    count = group[3]
    need(0 < count <= 65536, "a group without rows, or with too many")
    need(len(group[1]) in (0, 16) and len(group[2]) in (0, 16), "an id that has not 16 bytes")
    columns = zip(
        column(group[4], count, False),
        column(group[5], count, True),
        column(group[6], count, True),
        marks(group[7], count),
        marks(group[8], count),
        marks(group[9], count),
    )
    ids = (group[1] or bytes(16), group[2] or bytes(16))
    for version, time, seq, row_class, kind, flags in columns:
        yield ids + (version, signed(time), seq, row_class, kind, flags)


def uuid_text(data):
    return "-".join(data.hex()[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The perfect subtrees as (height, root), left to right."""

    def __init__(self, size, edge):
        self.size = size
        heights = [i for i in range(64, -1, -1) if size >> i & 1]
        need(len(heights) == len(edge), "an edge that does not fit its size")
        self.edge = list(zip(heights, edge))

    def push(self, leaf):
        height = 0
        while self.edge and self.edge[-1][0] == height:
            leaf = node(self.edge.pop()[1], leaf)
            height += 1
        self.edge.append((height, leaf))
        self.size += 1

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").digest()
        root = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            root = node(left, root)
        return root


def read_tar(blocks, padding):
    need(len(blocks) == padding + 512 and not any(blocks[:padding]), "a tar header in the wrong place")
    block = blocks[padding:]
    total = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    need(int(block[148:156].rstrip(b"\0 "), 8) == total, "a tar header with a wrong checksum")
    need(block[257:265] == b"ustar\x0000" and block[156:157] == b"0", "a tar header of another kind")
    return block[:100].rstrip(b"\0").decode(), int(block[124:136].rstrip(b"\0 "), 8)


class Archive:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        self.read_seek_table()
        self.manifest = json.loads(self.frame(len(self.table) - 2))
        self.statement = self.manifest["statement"]
        header = json.loads(self.frame(1))
        for part in (header, self.statement):
            need(part["format"] == "evtrail-archive" and part["version"] == 1, "not an archive of version 1")
        need(header["requires"] == [], "it requires what this reader does not know")
        need(header["stream"] == self.statement["stream"], "another stream in the header")
        need(header["identity"] == self.statement["identity"], "another identity in the header")

    def read_seek_table(self):
        data = self.data
        need(len(data) >= 17 and data[-4:] == b"\xb1\xea\x92\x8f", "no seek table at the end")
        count, descriptor = struct.unpack("<IB", data[-9:-4])
        need(descriptor in (0x00, 0x80), "a seek table of another kind")
        entry = 12 if descriptor else 8
        start = len(data) - 17 - count * entry
        need(start >= 0 and data[start : start + 4] == b"\x5e\x2a\x4d\x18", "no skippable frame before the seek table")
        need(struct.unpack("<I", data[start + 4 : start + 8])[0] == count * entry + 9, "a seek table of another size")
        self.table, offset = [], 0
        for i in range(count):
            sizes = struct.unpack("<II", data[start + 8 + i * entry :][:8])
            checksum = data[start + 16 + i * entry :][:4] if descriptor else None
            self.table.append((offset, *sizes, checksum))
            offset += sizes[0]
        need(offset == start and count >= 5, "a seek table that does not fill the file")

    def frame(self, index):
        offset, packed, raw, checksum = self.table[index]
        frame = self.data[offset : offset + packed]
        need(frame[:4] == b"\x28\xb5\x2f\xfd", "no zstd frame at %d" % offset)
        need(checksum in (None, frame[-4:]), "another checksum in the seek table at %d" % offset)
        return unpack(frame, raw)

    def frames(self):
        """(member, list of the manifest, raw bytes, is the tar header)"""
        index = 0
        for member in self.manifest["files"]:
            for place, entry in enumerate(member["frames"]):
                entry = [int(v) if isinstance(v, str) and re.fullmatch(r"-?\d+", v) and len(v) < 21 else v for v in entry]
                need(tuple(entry[:3]) == self.table[index][:3], "manifest and seek table differ at %d" % entry[0])
                frame = self.data[entry[0] : entry[0] + entry[1]]
                need(hashlib.sha256(frame).hexdigest() == entry[3], "another digest at %d" % entry[0])
                yield member, entry, self.frame(index), place == 0
                index += 1
        need(index == len(self.table) - 3, "frames that the manifest does not list")

    def records(self):
        for member, entry, raw, is_tar in self.frames():
            if not is_tar and member["member"].startswith("records/"):
                records = [(data, read_record(data)) for data in delimited(raw)]
                seqs = [record["seq"] for _, record in records]
                times = [record["time"] for _, record in records]
                need(entry[4:9] == [len(seqs), seqs[0], seqs[-1], min(times), max(times)], "a frame with other records")
                yield from records

    def rows(self):
        last = None
        for member, entry, raw, is_tar in self.frames():
            if is_tar or not member["member"].startswith("index/"):
                continue
            need(len(raw) <= 65536, "an index frame that is too large")
            rows = [row for data in delimited(raw) for row in read_group(data)]
            need(len(rows) <= 65536, "an index frame with too many rows")
            ends = [len(rows)]
            for row in (rows[0], rows[-1]):
                ends += [uuid_text(row[0]), uuid_text(row[1]), row[2]]
            need(entry[4:] == ends, "an index frame with other rows")
            for row in rows:
                key = (row[0], row[1], row[2], row[4], row[7])
                need(last is None or last <= key, "rows out of order")
                last = key
                yield row


def check_tar(archive):
    padding, before = 0, None
    for member, _, raw, is_tar in archive.frames():
        if is_tar:
            need(before is None or before == 0, "a member that is too short")
            need(read_tar(raw, padding) == (member["member"], member["bytes"]), "another tar header")
            before, padding = member["bytes"], -member["bytes"] % 512
        else:
            before -= len(raw)
    end = len(archive.table)
    size = archive.table[end - 2][2]
    need(read_tar(archive.frame(end - 3), padding) == ("manifest.json", size), "another tar header of the manifest")
    need(archive.frame(end - 1) == bytes(-size % 512 + 1024), "another end of the tar")


def check_records(archive):
    st = archive.statement
    tree_of = st["tree"]
    tree = Tree(int(tree_of["size_before"]), [bytes.fromhex(h) for h in tree_of["edge_before"]])
    need(tree.root().hex() == tree_of["root_before"], "another root before")
    last = int(st["last_seq"])
    holes = [(int(h["first"]), int(h["last"])) for h in st["holes"]]
    need(all(h["type"] in HOLES for h in st["holes"]), "a hole of an unknown type")
    expected, messages, raw_bytes, seqs = int(st["first_seq"]), 0, 0, set()

    def skip_holes(expected):
        while holes and holes[0][0] == expected:
            expected = holes.pop(0)[1] + 1
        return expected

    for data, record in archive.records():
        expected = skip_holes(expected)
        need(record["seq"] == expected, "sequence %d where %d belongs" % (record["seq"], expected))
        need(canonical(record) == data, "sequence %d is not in canonical form" % expected)
        expected += 1
        messages += 1
        raw_bytes += len(number_bytes(len(data))) + len(data)
        seqs.add(record["seq"])
        tree.push(hashlib.sha256(b"\0" + data).digest())
    expected = skip_holes(expected)
    need(expected == last + 1 and not holes, "records and holes do not fill the range")
    need(messages == int(st["counts"]["messages"]), "another number of messages")
    need(raw_bytes == int(st["raw_bytes"]), "another number of bytes")
    need(tree.size == int(tree_of["size_after"]) and tree.root().hex() == tree_of["root_after"], "another tree")
    need([root.hex() for _, root in tree.edge] == tree_of["right_edge"], "another edge")
    return seqs


def check_rows(archive, seqs):
    counts = archive.statement["counts"]
    classes, rows, seen = [0, 0, 0, 0], 0, set()
    for row in archive.rows():
        rows += 1
        need(row[4] in seqs, "a row of a record that is not there")
        if not row[7] & 1:
            need(row[4] not in seen, "a record with two first rows")
            seen.add(row[4])
            classes[row[5]] += 1
    need(seen == seqs, "a record without a row")
    need(rows == int(counts["rows"]), "another number of rows")
    names = ("events", "registrations", "foreign", "malformed")
    need(classes == [int(counts[name]) for name in names], "other counts")


def check(archive):
    name = os.path.basename(archive.path)
    st = archive.statement
    need(name == "%s-%020d-%020d.tar.zst" % (st["stream"], int(st["first_seq"]), int(st["last_seq"])), "another name")
    with open(archive.path + ".sha256", encoding="ascii") as file:
        need(file.read() == "%s  %s\n" % (hashlib.sha256(archive.data).hexdigest(), name), "another sidecar")
    check_tar(archive)
    check_rows(archive, check_records(archive))


def print_records(archive):
    for _, record in archive.records():
        record["subject"] = record["subject"].decode(errors="replace")
        record["headers"] = {n.decode(errors="replace"): [v.decode(errors="replace") for v in vs] for n, vs in record["headers"]}
        record["body"] = base64.b64encode(record["body"]).decode()
        print(json.dumps(record, sort_keys=True))


def print_leaves(archive):
    for data, _ in archive.records():
        print(hashlib.sha256(b"\0" + data).hexdigest())


def print_rows(archive):
    keys = ("device", "aggregate", "version", "time", "seq", "class", "kind", "flags")
    for row in archive.rows():
        print(json.dumps(dict(zip(keys, (uuid_text(row[0]), uuid_text(row[1])) + row[2:]))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--rows", action="store_true")
    what.add_argument("--leaves", action="store_true")
    parser.add_argument("archive")
    args = parser.parse_args()
    try:
        archive = Archive(args.archive)
        if args.check:
            check(archive)
        elif args.rows:
            print_rows(archive)
        elif args.leaves:
            print_leaves(archive)
        else:
            print_records(archive)
    except (Damaged, KeyError, IndexError, ValueError, OSError) as error:
        print("%s: %s" % (args.archive, error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
