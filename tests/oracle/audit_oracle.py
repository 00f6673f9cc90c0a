#!/usr/bin/env python3
"""An audit of plgd hub's stream against its EventStore, written a second time.

It shares no code with evtrail: it is the oracle of the audit tests, and the
peer of the benchmark "the same join written in Python".

One pass over the stream, one scan of {aggregateid, latestversion}, and the
documents of the suspects.  Live:

    audit_oracle.py --nats URL --stream EVENTS --mongo URI --db eventStore_db

or offline, from the messages as NDJSON ({seq, time, subject, data: base64};
--save-messages writes it) and a mongodump .bson file:

    audit_oracle.py --messages FILE --bson FILE

Findings go to --findings as NDJSON, the counts to --counts (default: stdout)
as one JSON object.  Exit status: 0 nothing lost, 1 findings, 2 usage.
"""
import argparse
import asyncio
import base64
import json
import re
import sys
import time
import uuid
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict

import cramjam


def decompress(b):
    return bytes(cramjam.snappy.decompress_raw(b))


# ---------------------------------------------------------------- the domain

# type: (field of event_metadata, of audit_context, of resource_id)
TYPES = {
    "resourcelinkspublished": (4, 3, 0),
    "resourcelinksunpublished": (4, 3, 0),
    "resourcelinkssnapshottaken": (3, 4, 0),
    "resourcechanged": (5, 4, 1),
    "resourcecreatepending": (4, 3, 1),
    "resourcecreated": (5, 4, 1),
    "resourceretrievepending": (4, 3, 1),
    "resourceretrieved": (5, 4, 1),
    "resourceupdatepending": (5, 4, 1),
    "resourceupdated": (5, 4, 1),
    "resourcedeletepending": (3, 2, 1),
    "resourcedeleted": (5, 4, 1),
    "resourcestatesnapshottaken": (8, 7, 1),
    "devicemetadataupdated": (5, 4, 0),
    "devicemetadataupdatepending": (4, 3, 0),
    "devicemetadatasnapshottaken": (4, 0, 0),
    "servicemetadataupdated": (2, 3, 0),
    "servicemetadatasnapshottaken": (2, 0, 0),
}
# what a stored snapshot embeds: field -> type
EMBEDDED = {
    "resourcestatesnapshottaken": {
        2: "resourcechanged", 3: "resourcecreatepending",
        4: "resourceretrievepending", 5: "resourceupdatepending",
        6: "resourcedeletepending"},
    "devicemetadatasnapshottaken": {
        2: "devicemetadataupdated", 3: "devicemetadataupdatepending"},
}
# only these can be left unpublished by the hub's own rule
FORCIBLE = {"resourcecreatepending", "resourceupdatepending",
            "resourcedeletepending"}
ANSWERS = {"resourcecreated", "resourceupdated", "resourcedeleted"}
LINKS = {"resourcelinkspublished", "resourcelinksunpublished",
         "resourcelinkssnapshottaken"}

DEVICE_SUBJECT = re.compile(
    r"^plgd\.owners\.[^.]+\.devices\.([^.]+)\."
    r"(resource-links|metadata|resources\.[^.]+)\.([a-z]+)")
REGISTRATION_SUBJECT = re.compile(
    r"^plgd\.owners\.[^.]+\.registrations\.(devicesregistered|devicesunregistered)$")

# how far two hub replicas' clocks may differ before an unseen lower version
# is a restart and not a disorder
SKEW_NS = 1_000_000_000


def aggregate_id(device, href):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, device + href))


class Malformed(Exception):
    pass


def varint(b, i):
    r = s = 0
    while True:
        if i >= len(b) or s > 63:
            raise Malformed("varint")
        c = b[i]
        i += 1
        r |= (c & 127) << s
        if c < 128:
            return r, i
        s += 7


def fields(b):
    """(number, value) of every field; ints for varints, else bytes."""
    i, n, out = 0, len(b), []
    while i < n:
        t, i = varint(b, i)
        w = t & 7
        if w == 0:
            v, i = varint(b, i)
        elif w == 2:
            k, i = varint(b, i)
            v, i = b[i:i + k], i + k
        elif w == 1:
            v, i = b[i:i + 8], i + 8
        elif w == 5:
            v, i = b[i:i + 4], i + 4
        else:
            raise Malformed("wire type %d" % w)
        if i > n or t >> 3 == 0:
            raise Malformed("truncated")
        out.append((t >> 3, v))
    return out


def first(fs, number, default=b""):
    r = default
    for k, v in fs:
        if k == number:
            r = v  # the last one wins, as in protobuf
    return r


def text(b):
    return bytes(b).decode("utf-8", "replace")


def signed(v):
    return v - (1 << 64) if v >= 1 << 63 else v


class Event:
    """What the audit needs of an event's own protobuf."""
    __slots__ = ("type", "version", "time", "correlation", "href", "fields")

    def __init__(self, etype, raw):
        self.type = etype
        self.fields = fs = fields(raw)
        meta, audit, rid = TYPES[etype]
        self.version = None  # None: no event_metadata, embeds no event
        self.time = 0
        m = first(fs, meta, None)
        if m is not None:
            m = fields(m)
            self.version = first(m, 1, 0)
            self.time = signed(first(m, 2, 0))
        a = first(fs, audit, None) if audit else None
        self.correlation = text(first(fields(a), 2)) if a else ""
        self.href = text(first(fields(first(fs, rid)), 2)) if rid else ""

    def embedded(self):
        """The published events that this snapshot still holds."""
        table = EMBEDDED.get(self.type)
        if not table:
            return []
        es = [Event(table[k], v) for k, v in self.fields if k in table]
        return [e for e in es if e.version is not None and e.time != 0]

    def links(self):
        """[(href, linked)], and whether they replace the whole state."""
        if self.type == "resourcelinkspublished":
            return [(text(first(fields(v), 1)), True)
                    for k, v in self.fields if k == 2], False
        if self.type == "resourcelinksunpublished":
            return [(text(v), False) for k, v in self.fields if k == 2], False
        return [(text(first(fields(v), 1)), True)
                for k, v in self.fields if k == 2], True


# ---------------------------------------------------------------- the stream

class Message:
    """A device event as seen on the stream."""
    __slots__ = ("seq", "stime", "aggregate", "version", "type", "time",
                 "correlation")

    def __init__(self, seq, stime, aggregate, version, etype, etime, correlation):
        self.seq = seq
        self.stime = stime
        self.aggregate = aggregate
        self.version = version
        self.type = etype
        self.time = etime
        self.correlation = correlation


class Stream:
    def __init__(self):
        self.count = Counter()
        self.devices = defaultdict(list)       # device -> [Message]
        self.registered = defaultdict(list)    # device -> [seq]
        self.hrefs = {}                        # aggregate -> href
        self.links = defaultdict(list)         # device -> [(Message, changes, whole)]
        self.malformed = defaultdict(list)     # (device, kind) -> [seq]
        self.holes = []                        # [(first, last)] inside coverage
        self.first_time = self.last_time = None
        self.first_seq = self.last_seq = 0

    def add(self, seq, stime, subject, body):
        if self.first_time is None:
            self.first_time, self.first_seq = stime, seq
        elif seq > self.last_seq + 1:
            self.holes.append((self.last_seq + 1, seq - 1))
        self.last_seq, self.last_time = seq, stime
        self.count["messages"] += 1
        m = DEVICE_SUBJECT.match(subject)
        if not m:
            if REGISTRATION_SUBJECT.match(subject):
                self.count["registrations"] += 1
                self.registration(seq, body)
            else:
                self.count["foreign"] += 1
            return
        device, kind, subject_type = m.groups()
        try:
            env = fields(body)
            version = first(env, 1, 0)
            etype = text(first(env, 2)).lower()
            group = text(first(env, 3))
            aggregate = text(first(env, 4))
            if not aggregate or group != device:
                raise Malformed("envelope")
            etime, correlation = 0, ""
            if etype in TYPES:
                e = Event(etype, decompress(first(env, 5)))
                etime, correlation = e.time, e.correlation
                if e.href and aggregate not in self.hrefs:
                    self.hrefs[aggregate] = e.href
        except Exception:  # whatever snappy or protobuf did not like
            self.count["malformed"] += 1
            self.malformed[device, kind].append(seq)
            return
        # an unknown type is judged by its envelope, its time is the stream's
        msg = Message(seq, stime, aggregate, version, etype, etime or stime,
                      correlation)
        self.devices[device].append(msg)
        if etype in LINKS:
            self.links[device].append((msg,) + e.links())

    def registration(self, seq, body):
        try:
            ev = fields(decompress(body))
            reg = first(ev, 1, None)
            if reg is None:
                return
            for k, v in fields(reg):
                if k == 2:
                    self.registered[text(v)].append(seq)
        except Exception:
            self.count["malformed_registrations"] += 1


# ---------------------------------------------------------------- lives

class Life:
    """One life of a device: what the stream shows of it."""

    def __init__(self, number):
        self.number = number
        self.seen = defaultdict(dict)   # aggregate -> {version: Message}
        self.highest = {}               # aggregate -> (version, time)
        self.first_seq = self.last_seq = None
        self.restarted = False          # a later life that shows a version 0
        self.end_seq = None

    def put(self, m):
        self.seen[m.aggregate][m.version] = m
        if m.aggregate not in self.highest or m.version > self.highest[m.aggregate][0]:
            self.highest[m.aggregate] = (m.version, m.time)
        if self.first_seq is None or m.seq < self.first_seq:
            self.first_seq = m.seq
        if self.last_seq is None or m.seq > self.last_seq:
            self.last_seq = m.seq
        if self.number and m.version == 0:
            self.restarted = True


def part_lives(messages):
    """Messages of one device -> its lives, and the number of duplicates."""
    lives, duplicates, known = [Life(0)], 0, set()
    for m in sorted(messages, key=lambda m: (m.time, m.seq)):
        key = (m.aggregate, m.version, m.time)
        if key in known:
            duplicates += 1
            continue
        known.add(key)
        life = lives[-1]
        top = life.highest.get(m.aggregate)
        if top is not None and m.version <= top[0]:
            again = m.version in life.seen[m.aggregate]
            snapshot = m.type.endswith("snapshottaken")
            if again or (m.time > top[1] + SKEW_NS and not snapshot):
                life = Life(len(lives))
                lives.append(life)
        life.put(m)
    return lives, duplicates


def born_inside(stream, device, life):
    """Is version 0 of this device's aggregates known to be inside coverage?"""
    if life.number:
        return life.restarted
    r = stream.registered.get(device)
    if not r or life.first_seq is None or life.first_seq < r[0]:
        return False
    for href in ("/plgd/s", "/plgd/res"):
        seen = life.seen.get(aggregate_id(device, href))
        if seen and 0 in seen and all(seen[0].seq <= m.seq for m in seen.values()):
            return True
    return False


# ---------------------------------------------------------------- the store

class Copy:
    __slots__ = ("version", "type", "time", "event")

    def __init__(self, version, etype, etime, event):
        self.version, self.type, self.time, self.event = version, etype, etime, event


class Stored:
    """The documents of one aggregate."""

    def __init__(self, docs):
        self.device, self.service, self.href = "", False, ""
        self.copies = {}      # version -> Copy, as stored
        self.embedded = {}    # version -> Event, out of a stored snapshot
        self.latesttimestamp = 0
        self.malformed = 0
        for d in docs:
            self.device = d.get("groupid") or self.device
            self.latesttimestamp = max(self.latesttimestamp, d.get("latesttimestamp") or 0)
            for e in d.get("events") or []:
                etype = e["eventtype"].lower()
                if etype.startswith("servicemetadata"):
                    self.service = True
                ev = None
                if etype in TYPES:
                    try:
                        ev = Event(etype, decompress(bytes(e["data"])))
                        for x in ev.embedded():
                            self.embedded[x.version] = x
                        self.href = ev.href or self.href
                    except Exception:
                        self.malformed += 1
                        ev = None
                self.copies[e["version"]] = Copy(e["version"], etype, e["timestamp"], ev)

    def snapshot_replaces(self, version, last_published_snapshot):
        """Does the snapshot stored at this version stand for another event?

        The current hub replaces the last event of a save; the older one gave
        the snapshot a version of its own and published it."""
        if version in self.embedded:
            return True         # it embeds the event that it replaced
        if not self.copies[max(self.copies)].type.endswith("snapshottaken"):
            return False        # only the older hub ends with another event
        return self.copies[version].time > last_published_snapshot


class OfflineStore:
    def __init__(self, path):
        import bson
        self.docs = defaultdict(list)
        with open(path, "rb") as f:
            for d in bson.decode_file_iter(f):
                if d.get("aggregateid"):
                    self.docs[d["aggregateid"]].append(d)

    def latest(self):
        return {a: max(d["latestversion"] for d in ds) for a, ds in self.docs.items()}

    def firsts(self):
        return {a: min(d.get("firstversion", d["latestversion"]) for d in ds)
                for a, ds in self.docs.items()}

    def fetch(self, aggregates):
        return {a: Stored(self.docs[a]) for a in aggregates if a in self.docs}


class MongoStore:
    BATCH = 1000

    def __init__(self, uri, db):
        import pymongo
        self.c = pymongo.MongoClient(uri)[db]["devices_events"]

    def scan(self, field, pick):
        out = {}
        rows = self.c.find({}, {"_id": 0, "aggregateid": 1, field: 1}).batch_size(10000)
        try:
            rows = rows.hint([("aggregateid", 1), (field, 1)])
            row = next(rows, None)
        except Exception:  # no such index: any plan will do
            rows = self.c.find({}, {"_id": 0, "aggregateid": 1, field: 1}).batch_size(10000)
            row = next(rows, None)
        while row is not None:
            a, v = row.get("aggregateid"), row.get(field)
            if a and v is not None:
                o = out.get(a)
                out[a] = v if o is None else pick(o, v)
            row = next(rows, None)
        return out

    def latest(self):
        return self.scan("latestversion", max)

    def firsts(self):
        return self.scan("firstversion", min)

    def fetch(self, aggregates):
        out, want = {}, list(aggregates)
        for i in range(0, len(want), self.BATCH):
            docs = defaultdict(list)
            for d in self.c.find({"aggregateid": {"$in": want[i:i + self.BATCH]}}):
                docs[d["aggregateid"]].append(d)
            for a, ds in docs.items():
                out[a] = Stored(ds)
        return out


# ---------------------------------------------------------------- links

UNKNOWN, NOT_LINKED, LINKED, INSIDE = "unknown", "not linked", "linked", "linked inside"


class Links:
    """The links of one life of a device, as the stream and the store know them."""

    def __init__(self, stream, device, life, latest, stored, newest):
        agg = aggregate_id(device, "/plgd/res")
        seen = life.seen.get(agg, {})
        # only the store says where the links end: those of a closed life may
        # lack their tail, and are never known to be complete
        top = latest.get(agg) if newest else None
        self.complete = top is not None and all(v in seen for v in range(top + 1))
        mine = {id(m) for m in seen.values()}
        self.timeline = sorted(
            ((m.seq, m.time, m.version, ch, whole)
             for m, ch, whole in stream.links.get(device, []) if id(m) in mine),
            key=lambda x: x[2])
        self.now = set()
        doc = stored.get(agg) if newest else None
        if doc:
            for v in sorted(doc.copies):
                ev = doc.copies[v].event
                if ev is None:
                    continue
                ch, whole = ev.links()
                if whole:
                    self.now = set()
                for href, on in ch:
                    (self.now.add if on else self.now.discard)(href)

    def changes(self, href):
        """[(seq, time, linked)] of one href, in version order."""
        out = []
        for seq, t, _, ch, whole in self.timeline:
            d = dict(ch)
            if href in d:
                out.append((seq, t, d[href]))
            elif whole:
                out.append((seq, t, False))
        return out

    def at_time(self, href, t):
        """Linked when an event was saved?"""
        ch = self.changes(href)
        if not ch:
            if href in self.now:
                return LINKED
            return NOT_LINKED if self.complete else UNKNOWN
        state = None
        for _, et, on in ch:
            if et <= t:
                state = on
        if state is None:
            state = self.before_first(ch)
        if state is False and not self.complete:
            return UNKNOWN      # a link event that is missing may have added it since
        return {True: LINKED, False: NOT_LINKED, None: UNKNOWN}[state]

    def before_first(self, changes):
        """The state before the first link event of an href that we have."""
        if not changes[0][2]:
            return True     # what is unlinked was linked
        return False if self.complete else None  # a publish may be a repetition

    def over(self, href, lo, hi):
        """The state over the sequence bracket (lo, hi)."""
        ch = self.changes(href)
        if not ch:
            if href in self.now:
                return LINKED
            return NOT_LINKED if self.complete else UNKNOWN
        before = None
        inside = []
        for seq, _, on in ch:
            if seq <= lo:
                before = on
            elif seq < hi:
                inside.append(on)
        if before is None:
            before = self.before_first(ch)
            if before is None:
                return INSIDE if inside else UNKNOWN
        if all(on == before for on in inside):
            if before:
                return LINKED
            return NOT_LINKED if self.complete else UNKNOWN
        return INSIDE


# ---------------------------------------------------------------- the audit

class Audit:
    def __init__(self, stream, store, settle_ns, split, cut_ns):
        self.s, self.store = stream, store
        self.settle, self.split, self.cut = settle_ns, split, cut_ns
        self.count = Counter()
        self.findings = []

    def find(self, code, device, aggregate, version, etype, recoverable, why, newest=True):
        self.findings.append({
            "code": code, "recoverable": recoverable, "aggregate_id": aggregate,
            "device_id": device, "version": version, "event_type": etype, "why": why,
            "newest": newest})

    def run(self):
        s, n = self.s, self.count
        latest = self.store.latest()
        firsts = self.store.firsts() if self.split else {}
        n["aggregates"] = len(latest)

        self.lives = lives = {}
        device_of = {}
        for device, messages in s.devices.items():
            lives[device], d = part_lives(messages)
            n["duplicate"] += d
            for life in lives[device]:
                for a in life.seen:
                    device_of[a] = device

        # the join: full cover needs nothing else
        suspects = set()
        for a, top in latest.items():
            device = device_of.get(a)
            seen = lives[device][-1].seen.get(a, {}) if device else {}
            if len(seen) != top + 1 or any(v > top for v in seen):
                suspects.add(a)
        stored = self.store.fetch(suspects)
        for a, st in stored.items():
            device_of.setdefault(a, st.device)
        # the links of the suspects' devices
        more = {aggregate_id(device_of[a], "/plgd/res") for a in suspects if a in device_of}
        stored.update(self.store.fetch(more - set(stored)))

        living = {device_of[a] for a in latest if a in device_of}
        # until then the hub was an older one
        published_snapshots = max(
            (m.time for ms in s.devices.values() for m in ms
             if m.type.endswith("snapshottaken")), default=0)
        empty = Life(0)
        links = {}

        def links_of(device, life, newest):
            key = (device, life.number)
            if key not in links:
                links[key] = Links(s, device, life, latest, stored, newest)
            return links[key]

        # 1. what the store says must be there: the newest life
        for a, top in sorted(latest.items()):
            st = stored.get(a)
            if st is not None and (st.service or
                                   a == aggregate_id(st.device, "/plgd/services")):
                n["never_published"] += top + 1
                continue
            device = device_of.get(a, "")
            life = lives[device][-1] if device in lives else empty
            seen = life.seen.get(a, {})
            n["expected"] += top + 1
            covered = [v for v in seen if v <= top]
            n["covered"] += len(covered)
            if self.split:
                f = firsts.get(a, top)
                stored_now = sum(1 for v in covered if v >= f)
                n["matched"] += stored_now
                n["truncated"] += len(covered) - stored_now
            for v in sorted(v for v in seen if v > top):
                n["store_lost"] += 1
                self.find("store_lost", device, a, v, seen[v].type, None,
                          "above latestversion")
            if len(covered) == top + 1:
                continue
            missing = [v for v in range(top + 1) if v not in seen]
            self.judge(device, a, life, seen, missing, st, published_snapshots,
                       links_of(device, life, True), True)

        # 2. what only the stream shows
        for device, ls in lives.items():
            for life in ls:
                newest = life is ls[-1]
                for a, seen in life.seen.items():
                    if newest and a in latest:
                        continue
                    if newest and device in living:
                        for v in sorted(seen):
                            n["store_lost"] += 1
                            self.find("store_lost", device, a, v, seen[v].type,
                                      None, "aggregate gone, device lives")
                    else:
                        n["deleted_device"] += len(seen)
                    lo, hi = min(seen), max(seen)
                    if len(seen) == hi + 1:
                        continue
                    missing = [v for v in range(hi) if v not in seen]
                    self.judge(device, a, life, seen, missing, None,
                               published_snapshots, links_of(device, life, False), False)

        n["lost"] = n["lost_in_store"] + n["lost_deleted"]
        for k in ("messages", "registrations", "foreign", "malformed"):
            n[k] += s.count[k]
        n["store_lost"] += 0

    def judge(self, device, a, life, seen, missing, st, published_snapshots, links, newest):
        s, n = self.s, self.count
        have = sorted(seen)
        href = s.hrefs.get(a) or (st.href if st else "")
        born = born_inside(s, device, life)
        start = s.first_time + self.settle if s.first_time is not None else 0
        # orphans: answers whose command is not on the stream
        asked = {m.correlation for m in seen.values() if m.type in FORCIBLE}
        orphans = sorted(v for v, m in seen.items()
                         if m.type in ANSWERS and m.correlation not in asked)
        # the earliest stored or embedded event with a time inside coverage
        copies = []
        if st is not None:
            copies = [(c.version, c.event.time if c.event is not None and c.event.time
                       else c.time) for c in st.copies.values()]
            copies += [(e.version, e.time) for e in st.embedded.values()]
        inside_from = min((v for v, t in copies if t > start), default=None)

        def count(code, etype=None, recoverable=None, why=None, v=None):
            n[code if newest else code + "_deleted"] += 1
            self.find(code, device, a, v, etype, recoverable, why, newest)

        # the life before, and the registrations that may part the two
        before, regs = None, []
        if life.number:
            before = self.lives[device][life.number - 1].seen.get(a)
            if life.number == 1:
                regs = s.registered.get(device, [])[1:]
            else:
                regs = s.registered.get(device, [])[-1:]

        run = Counter()
        for v in missing:
            i = bisect_left(have, v)
            run[i] += 1
        for v in missing:
            i = bisect_left(have, v)
            below = seen[have[i - 1]] if i else None
            above = seen[have[i]] if i < len(have) else None
            lo = below.seq if below else (life.first_seq or s.first_seq) - 1
            hi = above.seq if above else s.last_seq + 1
            if lo > hi:
                lo, hi = hi, lo
            stored = st.copies.get(v) if st else None
            embedded = st.embedded.get(v) if st else None

            # what is known of the event itself
            etype = None
            etime = None
            known = False
            if stored is not None and not stored.type.endswith("snapshottaken"):
                known, etype = True, stored.type
                etime = stored.event.time if stored.event else stored.time
            elif embedded is not None:
                known, etype, etime = True, embedded.type, embedded.time
            elif stored is not None:
                known = True    # the snapshot of that version: it embeds no such pending
                if not st.snapshot_replaces(v, published_snapshots):
                    etype = stored.type

            # before the horizon
            if below is None:
                if before is not None and v in before and any(
                        r < before[v].seq for r in regs):
                    count("undecided", etype, None, "may be in the life before", v)
                    continue
                if inside_from is not None and v >= inside_from:
                    why = "stored copy"
                elif born:
                    why = "device born inside" if not life.number else "later life"
                elif life.number:
                    count("undecided", etype, None, "life or fork", v)
                    continue
                else:
                    n["before_horizon" if newest else "before_horizon_deleted"] += 1
                    continue
            elif above is None:
                why = "latestversion"
            else:
                why = "inside" if newest else "between two seen, device deleted"

            # young
            if newest:
                upper = above.time if above else (st.latesttimestamp if st else 0)
                if upper > self.cut - self.settle:
                    count("in_flight", etype, None, why, v)
                    continue

            # holes in the stream
            if s.holes:
                k = sum(y - x + 1 for x, y in s.holes if x <= hi and y >= lo)
                if k:
                    rank = v - (have[i - 1] + 1 if i else missing[0])
                    if rank < run[i] - k:
                        count("lost_in_gap", etype, None, why, v)
                    else:
                        count("unverifiable_gap", etype, None, why, v)
                    continue

            # malformed messages that might be it
            if s.malformed:
                kinds = ("resource-links" if href == "" and a == aggregate_id(device, "/plgd/res")
                         else "metadata" if a == aggregate_id(device, "/plgd/s")
                         else "resources")
                if any(lo < q < hi for (d, kind), qs in s.malformed.items()
                       if d == device and kind.startswith(kinds) for q in qs):
                    count("undecided", etype, None, "malformed message", v)
                    continue

            # unannounced: forced commands on hrefs that are not linked
            if href and a not in (aggregate_id(device, "/plgd/res"), aggregate_id(device, "/plgd/s")):
                verdict = None
                if known:
                    if etype in FORCIBLE:
                        linked = links.at_time(href, etime)
                        if linked == NOT_LINKED:
                            verdict = ("unannounced", "stored pending, href not linked")
                        elif linked == UNKNOWN:
                            verdict = ("undecided", "stored pending, links not known")
                else:
                    state = links.over(href, lo, hi)
                    follows = bool(orphans) and orphans[-1] > v
                    if state == INSIDE and follows:
                        verdict = ("undecided", "linked inside the bracket, orphan follows")
                    elif state == NOT_LINKED:
                        verdict = (("unannounced", "not linked, orphan follows") if follows
                                   else ("undecided", "not linked, no orphan"))
                    elif state == UNKNOWN:
                        verdict = ("undecided", "links not known")
                if verdict:
                    count(verdict[0], etype, None, verdict[1], v)
                    continue

            # lost
            if stored is not None and not stored.type.endswith("snapshottaken"):
                rec = "exact"
            elif stored is not None and not st.snapshot_replaces(v, published_snapshots):
                rec = "exact"
            elif embedded is not None:
                rec = "rebuilt"
            elif stored is not None:
                rec = "snapshot"
            else:
                rec = "superseded"
            n["lost_in_store" if newest else "lost_deleted"] += 1
            n["recoverable_" + rec] += 1
            self.find("lost", device, a, v, etype, rec, why, newest)


# ---------------------------------------------------------------- sources

async def read_nats(url, name, stream, save):
    import nats
    nc = await nats.connect(url)
    js = nc.jetstream()
    state = (await js.stream_info(name)).state
    if state.messages:
        done = asyncio.get_running_loop().create_future()

        async def on_message(m):
            # $JS.ACK.<stream>.<consumer>.<n>.<seq>.<cseq>.<time ns>.<pending>
            t = m.reply.split(".")
            seq, stime, pending = int(t[-4]), int(t[-2]), int(t[-1])
            if seq <= state.last_seq:
                if save:
                    save.write(json.dumps({"seq": seq, "time": stime, "subject": m.subject,
                                           "data": base64.b64encode(m.data).decode()}) + "\n")
                stream.add(seq, stime, m.subject, m.data)
            if (pending == 0 or seq >= state.last_seq) and not done.done():
                done.set_result(None)

        await js.subscribe(">", stream=name, cb=on_message, ordered_consumer=True,
                           pending_msgs_limit=-1, pending_bytes_limit=-1)
        await done
    await nc.close()


def read_file(path, stream):
    with open(path) as f:
        for line in f:
            m = json.loads(line)
            stream.add(m["seq"], m["time"], m["subject"], base64.b64decode(m["data"]))


def duration(v):
    m = re.fullmatch(r"(\d+)(s|m|h)", v)
    if not m:
        raise argparse.ArgumentTypeError("a duration: 0s, 10m, 1h")
    return int(m[1]) * {"s": 1, "m": 60, "h": 3600}[m[2]] * 10 ** 9


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--nats")
    p.add_argument("--stream", default="EVENTS")
    p.add_argument("--mongo")
    p.add_argument("--db", default="eventStore_db")
    p.add_argument("--messages")
    p.add_argument("--bson")
    p.add_argument("--settle", type=duration, default=600 * 10 ** 9)
    p.add_argument("--split", action="store_true")
    p.add_argument("--findings", help="NDJSON file")
    p.add_argument("--counts", help="JSON file")
    p.add_argument("--save-messages", help="NDJSON for --messages (live mode)")
    o = p.parse_args()
    if not (o.nats or o.messages) or not (o.mongo or o.bson):
        p.error("--nats or --messages, and --mongo or --bson, are needed")

    stream = Stream()
    if o.nats:
        save = open(o.save_messages, "w") if o.save_messages else None
        asyncio.run(read_nats(o.nats, o.stream, stream, save))
        if save:
            save.close()
    else:
        read_file(o.messages, stream)
    store = MongoStore(o.mongo, o.db) if o.mongo else OfflineStore(o.bson)
    audit = Audit(stream, store, o.settle, o.split, time.time_ns())
    audit.run()
    if o.findings:
        with open(o.findings, "w") as f:
            for x in audit.findings:
                f.write(json.dumps(x) + "\n")
    counts = json.dumps(dict(sorted(audit.count.items())), indent=1)
    if o.counts:
        with open(o.counts, "w") as f:
            f.write(counts + "\n")
    else:
        print(counts)
    bad = audit.count["lost"] + audit.count["store_lost"] + audit.count["malformed"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
