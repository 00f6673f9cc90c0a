#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes what a dump of the EventStore says of published events.

    alter.py same DUMP OUT              other bytes that say the same: maps, fields, snappy
    alter.py fields DUMP OUT ARCHIVED   one field of one event of each document; OUT.N, and OUT.N.wanted with
                                        what must be found of it, until each field of each type had its turn
    alter.py rules DUMP OUT             breaks one rule of the data in each of some documents; OUT.wanted

ARCHIVED is what `evtrail cat` says of all messages. Nothing of evtrail is used but the names in proto/.
"""
import json
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "histories"))
from wire import Binary, bson, delimited, snappy, varint  # noqa: E402

PROTO = os.path.join(HERE, "..", "..", "proto", "resourceaggregate.proto")
EMBEDDED = {
    "ResourceStateSnapshotTaken": (2, 3, 4, 5, 6),
    "DeviceMetadataSnapshotTaken": (2, 3),
}


# ---- proto/: {message: {number: (name, type, repeated or map)}} ----

def read_schema():
    schema, enums, stack = {}, set(), []
    for line in open(PROTO, encoding="utf-8"):
        line = line.split("//")[0].strip()
        begin = re.match(r"(message|enum|oneof) (\w+) {", line)
        if begin:
            stack.append(begin.groups())
            if begin[1] == "enum":
                enums.add(begin[2])
            elif begin[1] == "message":
                schema[begin[2]] = {}
        elif line == "}":
            stack.pop()
        elif stack and stack[-1][0] != "enum":
            one = re.match(r"(repeated )?(map<string, (\w+)>|\w+) (\w+) = (\d+);", line)
            if one:
                owner = [name for kind, name in stack if kind == "message"][-1]
                what = "map" if one[3] else "list" if one[1] else "oneof" if stack[-1][0] == "oneof" else ""
                schema[owner][int(one[5])] = (one[4], one[3] or one[2], what)
    return schema, enums


SCHEMA, ENUMS = read_schema()
TYPES = {name.lower(): name for name in SCHEMA}


# ---- reading ----

def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def unsnappy(data):
    size, at = read_varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                count = length - 59
                length = int.from_bytes(data[at : at + count], "little")
                at += count
            out += data[at : at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, back, count = (tag >> 2 & 7) + 4, tag >> 5 << 8 | data[at], 1
        else:
            count = 2 if tag & 3 == 2 else 4
            length, back = (tag >> 2) + 1, int.from_bytes(data[at : at + count], "little")
        at += count
        for _ in range(length):
            out.append(out[-back])
    assert len(out) == size
    return bytes(out)


def read_bson(data, at=0):
    end = at + struct.unpack_from("<i", data, at)[0] - 1
    at += 4
    out = {}
    while at < end:
        kind = data[at]
        stop = data.index(0, at + 1)
        key, at = data[at + 1 : stop].decode(), stop + 1
        if kind in (3, 4):
            size = struct.unpack_from("<i", data, at)[0]
            value = read_bson(data, at)
            value = list(value.values()) if kind == 4 else value
        elif kind in (2, 5):
            size = struct.unpack_from("<i", data, at)[0] + (4 if kind == 2 else 5)
            value = data[at + 4 : at + size - 1].decode() if kind == 2 else Binary(data[at + 5 : at + size])
        else:
            form, size = {8: ("<?", 1), 10: (None, 0), 16: ("<i", 4), 18: ("<q", 8)}[kind]
            value = struct.unpack_from(form, data, at)[0] if form else None
        out[key] = value
        at += size
    return out


def read_dump(path):
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        yield read_bson(data, at)
        at += struct.unpack_from("<i", data, at)[0]


def decode(message, data):
    """[[number, value]]; value is a list for a message, else a number or bytes. Entries of maps are [key, value]."""
    fields, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
        else:
            assert key & 7 == 2
            size, at = read_varint(data, at)
            value, at = data[at : at + size], at + size
            name, kind, what = SCHEMA[message][key >> 3]
            if what == "map":
                entry = dict(raw_fields(value))
                inner = entry.get(2, b"")
                value = (entry.get(1, b""), decode(kind, inner) if kind in SCHEMA else inner)
            elif kind in SCHEMA:
                value = decode(kind, value)
        fields.append([key >> 3, value])
    return fields


def raw_fields(data):
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        size, at = read_varint(data, at)
        yield key >> 3, data[at : at + size]
        at += size


def encode(fields, strange=False):
    """strange: fields in another order, elements of a list in theirs; maps turned round."""
    numbers = sorted({number for number, _ in fields}, reverse=strange)
    out = b""
    for number in numbers:
        values = [value for one, value in fields if one == number]
        if strange and isinstance(values[0], tuple):
            values.reverse()
        for value in values:
            if isinstance(value, int):
                out += varint(number << 3) + varint(value)
                continue
            if isinstance(value, tuple):
                inner = encode(value[1], strange) if isinstance(value[1], list) else value[1]
                pair = [b"\x0a" + delimited(value[0]), b"\x12" + delimited(inner)]
                value = b"".join(reversed(pair) if strange else pair)
            elif isinstance(value, list):
                value = encode(value, strange)
            out += varint(number << 3 | 2) + delimited(value)
    return out


# ---- changing ----

def changes(message, fields, path=""):
    """Of everything that can be changed: (path as it is told, what changes it)."""
    seen = {}
    for at, (number, value) in enumerate(fields):
        name, kind, what = SCHEMA[message][number]
        index = seen.setdefault(number, 0)
        seen[number] += 1
        if what == "map":
            there = '%s%s["%s"]' % (path, name, value[0].decode())
        else:
            there = path + name + ("[%d]" % index if what == "list" else "")
        if kind in SCHEMA:
            inner = value[1] if what == "map" else value
            yield from changes(kind, inner, there + ".")
        else:
            yield there, set_value(fields, at, number, value, kind)
    for number, (name, kind, what) in SCHEMA[message].items():
        if number in seen and what != "list":
            continue
        if what == "oneof" and any(SCHEMA[message][one][2] == "oneof" for one in seen):
            continue
        there = path + name + ("[%d]" % seen.get(number, 0) if what == "list" else '["new"]' if what == "map" else "")
        yield there, add_value(fields, number, kind, what)
    yield path + "#777", lambda: fields.append([777, 5])


def set_value(fields, at, number, value, kind):
    if kind == "bool":
        return lambda: fields.__setitem__(at, [number, 0 if value else 1])
    if isinstance(value, int):
        return lambda: fields.__setitem__(at, [number, value + 1])
    if isinstance(value, tuple):
        return lambda: fields.__setitem__(at, [number, (value[0], value[1] + b"!")])
    return lambda: fields.__setitem__(at, [number, value + b"!"])


def add_value(fields, number, kind, what):
    plain = [] if kind in SCHEMA else b"new" if kind in ("string", "bytes") else 1
    return lambda: fields.append([number, (b"new", plain) if what == "map" else plain])


def claims(event, body):
    """(where, type, fields, version): the event itself and what it embeds."""
    name = TYPES[event["eventtype"].lower()]
    for number in EMBEDDED.get(name, ()):
        where, kind, _ = SCHEMA[name][number]
        for one in body:
            if one[0] != number:
                continue
            metadata = dict(map(tuple, dict(map(tuple, one[1])).get(metadata_of(kind), [])))
            if metadata.get(2):
                yield where, kind, one[1], metadata.get(1, 0)
    yield "stored", name, body, event["version"]


def metadata_of(kind):
    return next(number for number, (name, _, _) in SCHEMA[kind].items() if name == "event_metadata")


def open_events(document):
    return [(event, decode(TYPES[event["eventtype"].lower()], unsnappy(event["data"]))) for event in document["events"]]


def close_event(event, body, strange=False):
    event["data"] = Binary(snappy(encode(body, strange)))


def alter_fields(dump, out, archived):
    published = {}
    for line in open(archived, encoding="utf-8"):
        record = json.loads(line)
        if "envelope" in record:
            envelope = record["envelope"]
            key = envelope["aggregate_id"], int(envelope.get("version", 0))
            time = record["event"]["event_metadata"]["timestamp"]
            published.setdefault(key, {})[time] = envelope["event_type"]
    done, turn = set(), 0
    while True:
        fresh, documents, wanted = 0, [], []
        for document in read_dump(dump):
            found = alter_one(document, published, done)
            fresh += found is not None
            wanted += [found] if found else []
            documents.append(bson(document))
        if fresh == 0:
            break
        with open("%s.%d" % (out, turn), "wb") as file:
            file.write(b"".join(documents))
        with open("%s.%d.wanted" % (out, turn), "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in sorted(wanted))
        turn += 1
    print(turn, len(done))


def alter_one(document, published, done):
    for event, body in open_events(document):
        if event["eventtype"].lower().startswith("service"):
            continue
        own = list(published.get((document["aggregateid"], event["version"]), {}).values())
        for where, kind, fields, version in claims(event, body):
            # A version that is not archived once, as this very type, has no counterpart that is known here.
            if list(published.get((document["aggregateid"], version), {}).values()) != [kind.lower()]:
                continue
            # A snapshot that was published is compared as a whole.
            if where != "stored" and own == [event["eventtype"].lower()]:
                continue
            for path, change in changes(kind, fields):
                plain = re.sub(r'\["?[^]]*\]', "[]", path)
                # What is embedded is known by its version.
                if (where, kind, plain) in done or (where != "stored" and path == "event_metadata.version"):
                    continue
                done.add((where, kind, plain))
                change()
                close_event(event, body)
                return "%s %d %s: %s" % (document["aggregateid"], version, where, path)
    return None


def alter_same(dump, out):
    with open(out, "wb") as file:
        for document in read_dump(dump):
            for event, body in open_events(document):
                close_event(event, body, strange=True)
            file.write(bson(document))


# ---- rules ----

OTHER = "00000000-0000-4000-8000-000000000001"
RULES = {
    "document_first_version_wrong": lambda d: d.update(firstversion=d["firstversion"] + 1),
    "document_latest_version_wrong": lambda d: d.update(latestversion=d["latestversion"] + 1),
    "document_latest_time_wrong": lambda d: d.update(latesttimestamp=d["latesttimestamp"] + 1),
    "document_device_differs": lambda d: d.update(groupid=OTHER),
    "document_versions_not_contiguous": lambda d: d["events"].pop(1),
    "stored_event_unreadable": lambda d: d["events"][0].update(data=Binary(b"\xff")),
    "stored_version_differs": lambda d: swap_versions(d["events"]),
    "stored_time_differs": lambda d: d["events"][0].update(timestamp=d["events"][0]["timestamp"] + 1),
    "stored_snapshot_flag_wrong": lambda d: d["events"][0].update(issnapshot=not d["events"][0]["issnapshot"]),
}


def swap_versions(events):
    events[0]["data"], events[1]["data"] = events[1]["data"], events[0]["data"]
    for key in ("eventtype", "issnapshot", "timestamp"):
        events[0][key], events[1][key] = events[1][key], events[0][key]


def alter_rules(dump, out):
    waiting, wanted = dict(RULES), []
    with open(out, "wb") as file:
        for document in read_dump(dump):
            service = document["events"][0]["eventtype"].lower().startswith("service")
            if waiting and len(document["events"]) >= 3 and not service:
                code, change = waiting.popitem()
                change(document)
                wanted.append("%s %s" % (document["aggregateid"], code))
            file.write(bson(document))
    assert not waiting
    with open(out + ".wanted", "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in sorted(wanted))


{"same": alter_same, "fields": alter_fields, "rules": alter_rules}[sys.argv[1]](*sys.argv[2:])
