# SPDX-License-Identifier: Apache-2.0
"""The decision rules of docs/audit.md, written a second time, for what they say without doubt.

It reads what the audit reads: archived messages and documents. For every version that it has an opinion of it
gives the set of verdicts that the rules allow; several where a rule leaves something open (how the hub's clock is
estimated, how far a bracket is widened). Devices whose numbers were used again by a store that went back, and
not by a new life, are left to the truth (oracle.py).
"""
from collections import defaultdict

import events
from archive import uuid_text
from events import LINKS, METADATA

SKEW = 10 * 10**9
HOUR = 3600 * 10**9
PROMPT = 10**9
WINDOW = 256


class Row:
    """A device event on the stream."""

    __slots__ = ("aggregate", "version", "time", "at", "place", "kind")

    def __init__(self, aggregate, version, time, at, place, kind):
        self.aggregate, self.version, self.time, self.at, self.place = aggregate, version, time, at, place
        self.kind = kind


def is_snapshot(kind):
    return kind.endswith("snapshottaken")


def is_own(kind):
    """Of the links or the metadata, which every device has from its beginning."""
    return kind.startswith(("resourcelinks", "devicemetadata"))


class Epoch:
    def __init__(self):
        self.seen = defaultdict(dict)  # aggregate -> {version: Row}
        self.start = self.end = self.resource = None  # event times: the first, the last, the first of a resource

    def add(self, row):
        self.seen[row.aggregate][row.version] = row
        self.end = row.time
        if self.start is None:
            self.start = row.time
        if self.resource is None and not is_own(row.kind):
            self.resource = row.time

    def successor(self, row):
        """The epoch that begins with a row. What began at 0 just before it, in this epoch, goes along."""
        other = Epoch()
        moved = []
        for aggregate, versions in self.seen.items() if row.time - self.start > SKEW else ():
            rows = sorted(versions.values(), key=lambda one: one.version)
            if aggregate != row.aggregate and rows and [one.version for one in rows] == list(range(len(rows))):
                if all(row.time - one.time <= SKEW for one in rows):
                    moved += rows
        for one in moved:
            self.seen[one.aggregate] = {}
        self.end = max((one.time for versions in self.seen.values() for one in versions.values()), default=self.end)
        for one in sorted(moved, key=lambda one: one.time):
            other.add(one)
        return other

    def rows(self):
        return [row for versions in self.seen.values() for row in versions.values()]

    def firsts(self):
        return {aggregate: min(versions) for aggregate, versions in self.seen.items() if versions}


def part(rows):
    """The epochs of one device, and how many of its messages are duplicates."""
    epochs, known, duplicates = [Epoch()], set(), 0
    for row in sorted(rows, key=lambda row: (row.time, row.place)):
        seen = epochs[-1].seen[row.aggregate]
        there = seen.get(row.version)
        if (row.aggregate, row.version, row.time) in known:
            duplicates += 1
            continue
        if there is not None:
            if (is_snapshot(row.kind) or is_snapshot(there.kind)) and abs(row.time - there.time) <= SKEW:
                duplicates += 1
                known.add((row.aggregate, row.version, row.time))
                continue
            epochs.append(epochs[-1].successor(row))
        elif seen and row.version < max(seen):
            above = min(version for version in seen if version > row.version)
            if row.time - seen[above].time > SKEW:
                epochs.append(epochs[-1].successor(row))
        elif not seen and row.version == 0 and is_own(row.kind) and len(epochs) == 1:
            resource = epochs[-1].resource
            if resource is not None and row.time - resource > SKEW:
                epochs.append(epochs[-1].successor(row))
        known.add((row.aggregate, row.version, row.time))
        epochs[-1].add(row)
    return epochs, duplicates


class Life:
    """One life of a device: its first epoch, and those in which its store went back."""

    def __init__(self, number, epoch):
        self.number, self.begins = number, epoch.start if number else None
        self.seen = {aggregate: dict(versions) for aggregate, versions in epoch.seen.items() if versions}
        self.highest = {aggregate: max(versions) for aggregate, versions in self.seen.items()}
        self.forks = []   # when they began
        self.forked = []  # (aggregate, first number used again, messages that this undid)

    def fork(self, epoch):
        self.forks.append(epoch.start)
        for aggregate, versions in epoch.seen.items():
            if not versions:
                continue
            first, before = min(versions), self.seen.get(aggregate, {})
            gone = [version for version in before if version >= first]
            if gone:
                self.forked.append((aggregate, first, len(gone)))
            self.seen[aggregate] = {**{v: row for v, row in before.items() if v < first}, **versions}
            self.highest[aggregate] = max(self.highest.get(aggregate, 0), max(versions))

    def go_on(self, epoch):
        """It was no border: the device's links or metadata came late."""
        for aggregate, versions in epoch.seen.items():
            if versions:
                self.seen[aggregate] = {**self.seen.get(aggregate, {}), **versions}
                self.highest[aggregate] = max(self.highest.get(aggregate, 0), max(versions))

    def has(self, aggregate, version, time):
        """A copy of that time is of this life, and not of what the store took back. None: at a border."""
        borders = self.forks + ([] if self.begins is None else [self.begins])
        if any(abs(time - border) <= SKEW for border in borders):
            return None
        if self.begins is not None and time < self.begins:
            return False
        firsts = [first for one, first, _ in self.forked if one == aggregate]
        return not firsts or version < min(firsts) or time > max(self.forks)


def beginning(device, life, epoch, registered):
    """What began an epoch, when there is no doubt: "life", "fork", nothing; else None."""
    own = {events.aggregate_id(device, href) for href in (LINKS, METADATA)}
    firsts = epoch.firsts()
    again = {aggregate for aggregate, first in firsts.items() if first == 0 and (aggregate in life.highest or aggregate in own)}
    reuse = any(0 < first <= life.highest.get(aggregate, -1) for aggregate, first in firsts.items())
    goes_on = any(firsts.get(aggregate, 0) > 0 and aggregate in life.highest for aggregate in own)
    if not again & set(life.highest) and len(again) < 2 and not reuse and not registered:
        return "nothing"
    if again:
        return "life" if len(again) > 1 and (again & own or registered and not goes_on) else None
    return "fork" if reuse and not registered else None


class Stored:
    """The documents of one aggregate."""

    def __init__(self):
        self.documents = []

    @property
    def device(self):
        return self.documents[0]["groupid"]

    @property
    def latest(self):
        return max(document["latestversion"] for document in self.documents)

    @property
    def latest_time(self):
        return max(document["latesttimestamp"] for document in self.documents)

    def form(self, life, aggregate, version):
        """What a missing version of that life is recoverable as; None: at a border of lives."""
        form, time = self.copies().get(version, (3, 0))
        belongs = form == 3 or life.has(aggregate, version, time)
        return None if belongs is None else form if belongs else 3

    def copies(self):
        """version -> (the best form, time)."""
        out = {}
        for document in self.documents:
            for event in document["events"]:
                for version, form, time in copies_of(event):
                    if version not in out or form < out[version][0]:
                        out[version] = (form, time)
        return out


FORMS = ["exact", "rebuilt", "snapshot", "superseded"]


def copies_of(event):
    raw = unsnappy(event["data"])
    kind = event["eventtype"]
    out = [(event["version"], 2 if is_snapshot(kind) else 0, time_of(kind, raw) or event["timestamp"])]
    inside = {2: "resourcechanged", **{number: name for name, number in events.EMBEDS.items()}}
    if kind == "devicemetadatasnapshottaken":
        inside = {2: "devicemetadataupdated", 3: "devicemetadataupdatepending"}
    elif kind != "resourcestatesnapshottaken":
        inside = {}
    for number, value in fields(raw):
        if number in inside:
            metadata = dict(fields(dict(fields(value)).get(events.KINDS[inside[number]][1], b"")))
            if metadata.get(2):
                out.append((metadata.get(1, 0), 1, metadata[2]))
    return out


def time_of(kind, raw):
    return dict(fields(dict(fields(raw)).get(events.KINDS[kind][1], b""))).get(2)


def fields(data):
    out, at = [], 0
    while at < len(data):
        tag, at = number_at(data, at)
        value, at = number_at(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        out.append((tag >> 3, value))
    return out


def number_at(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return value, at


def unsnappy(data):
    """Literals only: what wire.py writes."""
    size, at = number_at(data, 0)
    out = b""
    while len(out) < size:
        length = data[at] >> 2
        at += 1
        if length == 61:
            length, at = data[at] | data[at + 1] << 8, at + 2
        out += data[at : at + length + 1]
        at += length + 1
    return out


class Verdict:
    """What the rules say of one device."""

    def __init__(self, duplicates, lives):
        self.duplicates, self.lives, self.counts = duplicates, lives, defaultdict(int)
        self.missing = defaultdict(list)  # (aggregate, version, lost_deleted) -> sets of verdicts, one for each life
        self.forms = {}                   # (aggregate, version) -> recoverable as
        self.must_fork, self.may_fork = set(), set()  # (aggregate, first number used again)
        self.open = False

    def count(self, name, count):
        self.counts[name] += count


class Gap:
    """A run of missing versions of one aggregate in one life."""

    def __init__(self, first, last, below, above, upper):
        self.first, self.last, self.below, self.above, self.upper = first, last, below, above, upper


def gaps_of(seen, last, latest_time):
    """The gaps of 0 ... last."""
    missing, out = [v for v in range(last + 1) if v not in seen], []
    for version in missing:
        if out and out[-1].last == version - 1:
            out[-1].last = version
            continue
        below = max((v for v in seen if v < version), default=None)
        above = min((v for v in seen if v > version), default=None)
        upper = seen[above].time if above is not None else latest_time
        out.append(Gap(version, version, seen.get(below), seen.get(above), upper))
    return out


class World:
    """What was archived, and what the store has."""

    def __init__(self, identities, documents, settle, rows_of, calm, noted, memory):
        """calm(device, aggregate): nothing of it can have been withheld by rule. noted: the highest latestversion of
        each aggregate that an audit may have noted at least settle ago. memory: earlier audits may have rescued copies."""
        self.settle, self.calm, self.noted, self.memory = settle, calm, noted, memory
        self.rows, self.bad, self.registered = defaultdict(list), defaultdict(list), defaultdict(list)
        self.holes, self.identities, times = [], len(identities), []
        self.whole = identities[0].first == 1  # nothing expired before the archives began
        delays, place = [], 0
        for identity in identities:
            for seq, message in identity.slots:
                if (identity.last - seq) % WINDOW == WINDOW - 1 or seq == identity.first:
                    delays.append([])
                place += 1
                if seq in identity.gone:
                    self.holes.append(place)
                    continue
                times.append(message.at)
                for device, aggregate, version, time, row_class, kind, _ in rows_of(message):
                    if row_class == 0:
                        row = Row(uuid_text(aggregate), version, time, message.at, place, message.kind)
                        self.rows[uuid_text(device)].append(row)
                        delays[-1].append(message.at - time)
                    elif row_class == 3:
                        self.bad[uuid_text(device)].append(place)
                    elif row_class == 1 and kind == events.REGISTERED:
                        self.registered[uuid_text(device)].append((place, time))
        self.start, self.cut = min(times), max(times)
        # How far the hub's clock is behind the stream's (ahead: below 0): the quickest of the newest publishes.
        self.lag = next((min(some) for some in reversed(delays) if some), None)
        self.waited = self.lag is not None and self.lag > HOUR
        self.lag = None if self.waited else self.lag
        self.settle += max(self.lag or 0, 0)
        self.stored = defaultdict(Stored)
        for document in documents:
            if "events" in document and document["groupid"] != events.HUB:
                self.stored[document["aggregateid"]].documents.append(document)

    # ---- one device ----

    def judge_device(self, device):
        """What the rules say of a device, or None where they leave it open."""
        epochs, duplicates = part(self.rows[device])
        lives, borders = [Life(0, epochs[0])], []
        for before, epoch in zip(epochs, epochs[1:]):
            registered = any(before.end < time <= epoch.start + SKEW for _, time in self.registered[device])
            what = beginning(device, lives[-1], epoch, registered)
            if what is None:
                return None
            borders.append(what)
            if what == "life":
                lives.append(Life(len(lives), epoch))
            elif what == "fork":
                lives[-1].fork(epoch)
            else:
                lives[-1].go_on(epoch)
        stored = {aggregate: one for aggregate, one in self.stored.items() if one.device == device}
        verdict = Verdict(duplicates, lives)
        verdict.borders = borders
        for life in lives:
            newest = life is lives[-1]
            for aggregate in sorted(set(life.seen) | (set(stored) if newest else set())):
                self.judge(device, aggregate, lives, life, stored if newest else {}, verdict)
            for aggregate, first, count in life.forked:
                # What was undone in a life that is over, or of an aggregate that is gone, may count as that.
                over = not newest or aggregate not in stored
                verdict.count("over" if over else "forked", count)
                (verdict.may_fork if over else verdict.must_fork).add((aggregate, min(f for a, f, _ in life.forked if a == aggregate)))
        return verdict

    def judge(self, device, aggregate, lives, life, stored, verdict):
        seen, here = life.seen.get(aggregate, {}), stored.get(aggregate)
        if here:
            above = [version for version in seen if version > here.latest]
            verdict.open |= not self.fits(life, aggregate, here)
            verdict.open |= any(fork > self.cut - self.settle for fork in life.forks)  # not told yet
            verdict.count("ahead", len(above))
            verdict.count("covered", len(seen) - len(above))
        else:
            verdict.count("ahead" if stored else "deleted_device", len(seen))
        last = here.latest if here else max(seen) - 1
        for gap in gaps_of(seen, last, here.latest_time if here else None):
            for version in range(gap.first, gap.last + 1):
                allowed = self.decide(device, aggregate, lives, life, gap, version, here)
                verdict.missing[aggregate, version, here is None].append(allowed)
                if here:
                    verdict.forms[aggregate, version] = here.form(life, aggregate, version)

    @staticmethod
    def fits(life, aggregate, here):
        """The store is in the life and on the branch that the stream shows last."""
        seen = life.seen.get(aggregate, {})
        if here.latest in seen:
            return abs(here.latest_time - seen[here.latest].time) <= SKEW
        above = [row.time for version, row in seen.items() if version > here.latest]
        return life.has(aggregate, here.latest, here.latest_time) and here.latest_time <= min(above, default=here.latest_time)

    def decide(self, device, aggregate, lives, life, gap, version, stored):
        """The verdicts that the rules allow, in their order."""
        allowed = set()
        if life.number == 0 and (gap.below is None or self.is_from_before(gap.below)):
            proof = self.proof(device, life, aggregate, version, stored)
            if proof != "yes":
                allowed.add("before_horizon")
            if proof == "no":
                return allowed
        if gap.upper is not None:
            if gap.upper > self.cut + self.settle + HOUR:
                return allowed | {"undecided"}
            if self.waited or gap.upper > self.cut - self.settle:
                allowed.add("in_flight")
                if version > self.noted.get(aggregate, -1):
                    return allowed
        settled = self.decide_settled(device, aggregate, lives, life, gap)
        if "lost" in settled and stored is not None and self.is_answered(device, aggregate, gap, version, stored):
            settled = settled | {"undecided"}
        return allowed | self.hide(gap, settled)

    @staticmethod
    def is_answered(device, aggregate, gap, version, stored):
        """A resource's snapshot without an event of its own above it: it may stand for an answer that is missing, too."""
        own = [events.aggregate_id(device, href) for href in (LINKS, METADATA)]
        return aggregate not in own and any(version < copy <= gap.last and form == 2 for copy, (form, _) in stored.copies().items())

    def decide_settled(self, device, aggregate, lives, life, gap):
        """The rules behind those on time; holes hide what they call lost, and nothing else."""
        allowed = set()
        places = self.bad[device]
        if places:
            allowed.add("undecided")
            low, high = place_of(gap.below), place_of(gap.above)
            if any((low or 0) < place and (high is None or place < high) for place in places):
                return allowed
        for fork in life.forks:
            if (gap.below is None or gap.below.time <= fork + SKEW) and gap.upper >= fork - SKEW:
                allowed.add("undecided")
                if (gap.below is None or gap.below.time < fork) and gap.upper > fork:
                    return allowed
        if life.number > 0 and gap.below is None:
            allowed |= self.head_of_later(aggregate, lives, life, gap)
            if "lost" not in allowed:
                return allowed
        if not self.calm(device, aggregate) or not self.links_known(device, aggregate, lives, life):
            allowed |= {"undecided", "unannounced"}
        return allowed | {"lost"}

    def links_known(self, device, aggregate, lives, life):
        """That life's links were seen or are stored, and came when they were saved: sequences tell what was linked."""
        links, metadata = (events.aggregate_id(device, href) for href in (LINKS, METADATA))
        rows = [row for row in self.rows[device] if row.aggregate == links]
        return aggregate in (links, metadata) or (
            (life.seen.get(links) or life is lives[-1] and self.links_stored(links)) and all(row.at - row.time < PROMPT + (self.lag or 0) for row in rows))

    def links_stored(self, links):
        return any(document["isactive"] for document in self.stored[links].documents) if links in self.stored else False

    @staticmethod
    def head_of_later(aggregate, lives, life, gap):
        """The head of a later life."""
        before = lives[life.number - 1].highest.get(aggregate)
        if gap.above is None:
            return {"lost", "undecided"}
        if before is None or gap.above.version <= before:
            return {"lost"}
        return {"undecided"} if gap.above.time - life.begins <= SKEW else {"lost", "undecided"}

    def proof(self, device, life, aggregate, version, stored):
        """Is a head known to be inside the coverage? "yes", "no" or "maybe"."""
        rows = self.rows[device]
        registered = self.registered[device]
        if registered and rows and registered[0][0] < min(row.place for row in rows):
            for href in (LINKS, METADATA):
                seen = life.seen.get(events.aggregate_id(device, href), {})
                if 0 in seen and seen[0].place == min(row.place for row in seen.values()):
                    # Saved inside, too, and not only published there.
                    if not self.is_from_before(seen[0]):
                        return "yes" if self.identities == 1 else "maybe"
        if self.lag is None or stored is None:
            return "maybe" if self.memory and stored else "no"
        times, doubtful = [], False
        for copy, (_, time) in stored.copies().items():
            belongs = life.has(aggregate, copy, time)
            doubtful |= copy <= version and belongs is None
            if copy <= version and belongs:
                times.append(time + min(self.lag, 0))
        if max(times, default=0) > self.start + self.settle:
            return "yes"
        return "maybe" if doubtful or self.memory else "no"

    def is_from_before(self, row):
        """Saved before the archives begin: what came behind it may have been on the stream before them."""
        if self.whole or self.lag is None:
            return False
        return row.time + (self.lag if self.lag <= SKEW else 0) < self.start

    def hide(self, gap, allowed):
        """What the archives' holes make of lost ones."""
        if "lost" not in allowed or not self.holes and self.identities == 1:
            return allowed
        low, high = place_of(gap.below) or 0, place_of(gap.above)
        if high is not None and low > high:
            low, high = high, low
        inside = sum(low < place and (high is None or place < high) for place in self.holes)
        if inside and self.identities == 1:
            allowed = allowed - {"lost"}
        if inside >= gap.last - gap.first + 1 and self.identities == 1:
            return allowed | {"unverifiable_gap"}
        # A bracket is widened by settle, and what lies between two identities is known by time alone.
        return allowed | {"unverifiable_gap", "lost_in_gap"}


def place_of(row):
    return row.place if row else None
