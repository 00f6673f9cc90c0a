# SPDX-License-Identifier: Apache-2.0
"""From what a hub published to identities, sequences, holes and archives."""
import os

import archive
import events
from archive import EVENT, FOREIGN, MALFORMED, NO_TIME, NOWHERE, REGISTRATION, Record
from hub import BEGINNING

STREAM = "EVENTS"


class Identity:
    """One life of the stream, as it was archived. slots: (sequence, message)."""

    def __init__(self, name, slots, born, gone=None):
        self.name, self.slots, self.born = name, slots, born
        self.gone = set() if gone is None else gone  # sequences that are holes

    @property
    def first(self):
        return self.slots[0][0]

    @property
    def last(self):
        return self.slots[-1][0]

    def records(self):
        return [(seq, message) for seq, message in self.slots if seq not in self.gone]


def rows_of(message):
    if message.garbage or message.save:
        device = events.key(message.save.device)
        number = events.KINDS[message.kind][0]
        if message.garbage == "envelope":
            return [(device, NOWHERE, 0, message.at, MALFORMED, number, NO_TIME)]
        where = (device, events.key(message.save.aggregate), message.save.version)
        if message.garbage:
            return [where + (message.at, MALFORMED, number, NO_TIME)]
        return [where + (message.time or message.save.time, EVENT, number, 0)]
    if message.devices:
        return [(events.key(device), NOWHERE, 0, message.time, REGISTRATION, message.kind, 0) for device in message.devices]
    return [(NOWHERE, NOWHERE, 0, message.at, FOREIGN, 0, NO_TIME)]


def identities_of(hub, history):
    """The identities of the stream with their holes, oldest first; none of them is empty."""
    messages = sorted((m for m in hub.messages if m.at <= hub.now), key=lambda m: m.at)
    out, slots, at, born = [], [], 0, BEGINNING
    name = archive.identity_of(BEGINNING - 86400 * 10**9)
    for time, unarchived, mode in hub.cuts:
        while at < len(messages) and messages[at].at < time:
            slots.append((len(slots) + 1, messages[at]))
            at += 1
        audited = max((view.now for view in hub.views if view.now < time), default=0)
        kept = [slot for i, slot in enumerate(slots) if i < len(slots) - unarchived or slot[1].at <= audited]
        if not kept:
            continue  # nothing was archived of it, nobody knows that it was there
        out.append(Identity(name, kept, born))
        base, born = ".".join(name.split(".")[:2]), time
        name = "%s.%d" % (base, len(out) + 1) if mode == 2 else archive.identity_of(time)
        slots = [] if mode == 0 else list(kept[: max(len(kept) - (2 if mode == 2 else 0), 0)])
    slots += [(len(slots) + 1 + i, message) for i, message in enumerate(messages[at:])]
    if slots:
        out.append(Identity(name, slots, born))
    punch(out, history)
    return out


def until(identities, time):
    """As much of the identities as was there at that time."""
    out = []
    for identity in identities:
        slots = [slot for slot in identity.slots if slot[1].at <= time] if identity.born <= time else []
        if slots:
            out.append(Identity(identity.name, slots, identity.born, {seq for seq in identity.gone if seq <= slots[-1][0]}))
    return out


def punch(identities, history):
    """What was purged from the front, and single messages deleted."""
    if identities:
        first = identities[0]
        first.slots = first.slots[min(history["purge"], len(first.slots) - 1) :]
    # The last message stays: an archive without any compares nothing.
    every = [(identity, seq) for identity in identities for seq, _ in identity.slots][:-1]
    for index in history["deleted"]:
        if every:
            identity, seq = every[index % len(every)]
            identity.gone.add(seq)


def holes_between(identity, first, last, kind):
    holes = []
    for seq in sorted(seq for seq in identity.gone if first <= seq <= last):
        if holes and holes[-1][1] == seq - 1:
            holes[-1][1] = seq
        else:
            holes.append([seq, seq, kind])
    return [tuple(hole) for hole in holes]


class Archives:
    """The archives of a state, which grow."""

    def __init__(self, folder):
        self.folder, self.ends = os.path.join(folder, "archives"), {}

    def extend(self, identities, cuts):
        """Up to where the identities reach; cuts: where what is new is parted, in thousandths."""
        for identity in identities:
            tree, first = self.ends.get(identity.name, (archive.Tree(), identity.first))
            count = identity.last - first + 1
            if count <= 0:
                continue
            ends = sorted({first + count * cut // 1000 for cut in cuts} & set(range(first, identity.last)))
            for part, last in enumerate(ends + [identity.last]):
                some = [Record(seq, m.at, m.subject, m.body, rows_of(m)) for seq, m in identity.records() if first <= seq <= last]
                holes = holes_between(identity, first, last, ("absent", "expired_before")[part % 2])
                archive.write(self.folder, STREAM, identity.name, first, last, some, holes, tree)
                first = last + 1
            self.ends[identity.name] = tree, first


def fates(view, identities):
    """What became of every save: save -> seen, malformed, withheld, hole, pending or lost."""
    seen, bad = set(), set()
    for identity in identities:
        for _, message in identity.records():
            if message.save:
                (bad if message.garbage else seen).add(id(message.save))
    out = {}
    for save in view.saves:
        if id(save) in seen:
            fate = "seen"
        elif id(save) in bad:
            fate = "malformed"
        elif any(message.at <= view.now for message in save.messages):
            fate = "hole"
        elif save.withheld and not save.messages:
            fate = "withheld"
        else:
            # What is published later by someone, and not by the hub's own delay, is lost until then.
            fate = "pending" if any(message.made <= view.now for message in save.messages) else "lost"
        out[id(save)] = fate
    return out
