#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the index rows of an archive from its records, and compares them with those in it.

    check_rows.py ROWS.ndjson RECORDS.ndjson

Both as read_archive.py prints them. For archives of a hub's stream: every message is an event or a registration with
canonical ids, or (published by the test) neither. Field numbers are taken from proto/, kinds from the format's page.
"""
import base64
import json
import os
import re
import sys
import uuid

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EVENT, REGISTRATION, FOREIGN, MALFORMED = range(4)
FURTHER, NO_TIME, SUFFIX = 1, 2, 16


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def metadata_fields():
    """Type of an event, in lower case: number of its event_metadata."""
    numbers = {}
    for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text_of("proto/resourceaggregate.proto"), re.M | re.S):
        field = re.search(r"^\tEventMetadata event_metadata = (\d+);", body, re.M)
        if field:
            numbers[name.lower()] = int(field.group(1))
    return numbers


def kinds():
    line = re.search(r"^- Kind:(.*?)(?=^- )", text_of("docs/archive-format.md"), re.M | re.S).group(1)
    return {name: int(number) for number, name in re.findall(r"(\d+)\s+`(\w+)`", line)}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """(number, value) in order; fixed numbers as bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(key & 7) or varint(data, at)
            value = data[at : at + size]
            at += size
        yield key >> 3, value


def first(data, number, default):
    return next((value for field, value in fields(data) if field == number), default)


def unsnappy(data):
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                wide = length - 59
                length = int.from_bytes(data[at : at + wide], "little")
                at += wide
            out += data[at : at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | data[at]
            at += 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            length, offset = 1 + (tag >> 2), int.from_bytes(data[at : at + wide], "little")
            at += wide
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size, "snappy: another length"
    return bytes(out)


class Maker:
    def __init__(self):
        self.kinds = kinds()
        self.metadata = metadata_fields()
        assert len(self.kinds) == 20 and len(self.metadata) == 18, (self.kinds, self.metadata)

    def event(self, record, body, flags):
        event_type = first(body, 2, b"").decode()
        device, aggregate = first(body, 3, b"").decode(), first(body, 4, b"").decode()
        metadata = first(unsnappy(first(body, 5, b"")), self.metadata[event_type], b"")
        assert device in record["subject"] and event_type in record["subject"], record["subject"]
        assert first(metadata, 1, 0) == first(body, 1, 0), "another version inside"
        yield (device, aggregate, first(body, 1, 0), first(metadata, 2, 0), EVENT, self.kinds[event_type], flags)

    def registration(self, record, body, flags):
        number, inner = next(fields(unsnappy(body)))
        kind = {1: "devicesregistered", 2: "devicesunregistered"}[number]
        assert record["subject"].endswith(kind), record["subject"]
        devices = [value.decode() for field, value in fields(inner) if field == 2] or [str(uuid.UUID(int=0))]
        for place, device in enumerate(devices):
            more = FURTHER if place else 0
            yield (device, str(uuid.UUID(int=0)), 0, first(inner, 3, 0), REGISTRATION, self.kinds[kind], flags | more)

    def rows(self, record):
        body = base64.b64decode(record["body"])
        tokens = record["subject"].split(".")
        flags = SUFFIX if ".leadrt" in record["subject"] else 0
        if tokens[:2] != ["plgd", "owners"]:
            made = [(str(uuid.UUID(int=0)),) * 2 + (0, record["time"], FOREIGN, 0, NO_TIME)]
        elif tokens[3] == "registrations":
            made = self.registration(record, body, flags)
        else:
            made = self.event(record, body, flags)
        for row in made:
            yield dict(zip(("device", "aggregate", "version", "time", "class", "kind", "flags"), row), seq=record["seq"])


def main():
    rows_path, records_path = sys.argv[1:]
    maker = Maker()
    with open(rows_path, encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    with open(records_path, encoding="utf-8") as file:
        wanted = [row for line in file for row in maker.rows(json.loads(line))]
    key = lambda row: (row["device"], row["aggregate"], row["version"], row["seq"], row["flags"])  # noqa: E731
    wanted.sort(key=key)
    for at, (a, b) in enumerate(zip(found, wanted)):
        if a != b:
            raise SystemExit("row %d is %s, by the records %s" % (at, a, b))
    if len(found) != len(wanted) or not found:
        raise SystemExit("%d rows, by the records %d" % (len(found), len(wanted)))
    print(len(found))


if __name__ == "__main__":
    main()
