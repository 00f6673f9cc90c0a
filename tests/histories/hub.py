# SPDX-License-Identifier: Apache-2.0
"""A hub in miniature: it plays a history (history.py) and knows the truth of every event that it saved.

What it does is docs/plgd.md. It leaves behind: the stream's messages in the order in which they came, the
documents of the store, and for every save what became of it.
"""
import events
from events import LINKS, METADATA, SERVICES

SECOND = 10**9
BEGINNING = 1_767_225_600 * SECOND
WAITS = [0, 2, 30, 300, 1200, 3 * 3600, 24 * 3600]  # seconds
HREFS = ["/a", "/b", "/c"]
LINKED_FIRST = 2  # of HREFS, when a device is onboarded
# What becomes of a publish.
OK, LOST, SOON, LATE, VERY_LATE, TWICE, GARBAGE, DAMAGED = range(8)
DELAYS = {SOON: 35 * SECOND, LATE: 300 * SECOND, VERY_LATE: 7200 * SECOND}
SNAPSHOT_EVERY = 4  # of an older hub (16 by default)


class Save:
    """One event that the hub saved: the truth of it."""

    def __init__(self, device, href, version, kind, time, now, life):
        self.device, self.href, self.version, self.kind = device, href, version, kind
        self.time = time    # its event time: by the hub's clock
        self.now = now      # when it was, by the stream's clock
        self.life = life    # of the device
        self.raw, self.correlation = b"", ""
        self.withheld = False
        self.messages = []

    @property
    def aggregate(self):
        return events.aggregate_id(self.device, self.href)


class Message:
    """Something that goes onto the stream."""

    def __init__(self, made, at, subject, body, kind, save=None, garbage=None, devices=(), time=0):
        self.made, self.at, self.subject, self.body, self.kind = made, at, subject, body, kind
        self.save, self.garbage, self.devices, self.time = save, garbage, devices, time


class Aggregate:
    """What the hub and its store know of one aggregate; copied for backups."""

    def __init__(self):
        self.line = []       # saves by version
        self.change = None   # the last change, for snapshots
        self.pendings = []   # open commands
        self.documents = []  # [active, [(version, kind, raw, is snapshot, time)]]
        self.ghosts = []
        self.leftovers = []  # inactive documents of a life before
        self.before = []     # copies, one for each save

    def copy(self):
        other = Aggregate()
        for name in ("line", "pendings", "ghosts", "leftovers"):
            setattr(other, name, list(getattr(self, name)))
        other.documents = [[active, list(stored)] for active, stored in self.documents]
        other.change, other.before = self.change, list(self.before)
        return other


class Device:
    def __init__(self, number):
        self.number, self.id = number, events.device_id(number)
        self.alive, self.life, self.owner = False, -1, number
        self.links, self.aggregates = [], {}

    def copy(self):
        other = Device(self.number)
        other.alive, other.life, other.owner, other.links = self.alive, self.life, self.owner, list(self.links)
        other.aggregates = {href: one.copy() for href, one in self.aggregates.items()}
        return other


class View:
    """What an audit at a moment can find, and the truth of then."""

    def __init__(self, hub):
        self.now, self.documents = hub.now, hub.documents()
        self.saves, self.resets = list(hub.saves), list(hub.resets)
        self.alive = {device.id for device in hub.devices if device.alive}
        # (aggregate, version) -> the save that the store goes on from
        self.line = {(save.aggregate, save.version): save for device in hub.devices
                     for one in device.aggregates.values() for save in one.line}


class Hub:
    def __init__(self, history):
        self.now = BEGINNING
        self.offset = history["offset"] * SECOND
        self.older = history["hub"] == "older"
        self.devices = [Device(i) for i in range(2)]
        self.lives = [0, 0]
        self.saves, self.messages = [], []
        self.resets = []          # (time, what, devices or (device, href)): the truth of lives and forks
        self.cuts = []            # (time, messages not archived, mode): the stream was made again
        self.backup, self.keep, self.split, self.skew = None, 0, False, 0
        self.services = Aggregate()
        self.count = 0
        self.views = []
        for name, *arguments in history["ops"]:
            self.now += SECOND + 7919
            getattr(self, "do_" + name)(*arguments)
        self.do_wait(history["end"])
        self.do_foreign()
        self.do_audit()

    def do_audit(self):
        self.now += SECOND
        self.views.append(View(self))

    # ---- saving ----

    def event_time(self):
        self.count += 1
        return self.now + self.offset + self.skew * SECOND + self.count

    def new_event(self, device, href, kind, hrefs=(), correlation=None):
        one = device.aggregates.setdefault(href, Aggregate())
        save = Save(device.id, href, len(one.line), kind, self.event_time(), self.now, device.life)
        save.correlation = "correlation %d" % self.count if correlation is None else correlation
        owner = events.owner_id(device.owner)
        save.raw = events.encode_event(kind, device.id, href, save.version, save.time, save.correlation, owner, hrefs)
        save.withheld = not self.older and kind in events.WITHHOLDABLE and href not in device.links
        self.saves.append(save)
        return one, save

    def save_all(self, device, href, kinds, fates):
        """One save of several events: all but the last are stored as they are published."""
        one = device.aggregates.setdefault(href, Aggregate())
        one.before.append(one.copy())
        saves = []
        for kind, hrefs, correlation in kinds:
            _, save = self.new_event(device, href, kind, hrefs, correlation)
            one.line.append(save)
            self.remember(one, save)
            saves.append(save)
        self.store(device, one, saves)
        if self.older and len(one.line) % SNAPSHOT_EVERY == 0:
            saves.append(self.publish_snapshot(device, href, one))
        for i, save in enumerate(saves):
            self.publish(save, device, fates[i % len(fates)])
            self.now += 3 * 10**6

    def save(self, device, href, kind, fate, hrefs=(), correlation=None):
        self.save_all(device, href, [(kind, hrefs, correlation)], [fate])

    @staticmethod
    def remember(one, save):
        if save.kind in ("resourcechanged", "devicemetadataupdated"):
            one.change = save
        if save.kind.endswith("pending"):
            one.pendings.append(save)
        if save.kind in events.ANSWERS:
            one.pendings = [p for p in one.pendings if p.correlation != save.correlation]

    def snapshot(self, device, one, href, version, time):
        return events.encode_snapshot(
            href, device.id, version, time, events.owner_id(device.owner), one.change.raw if one.change else None,
            [(p.kind, p.raw) for p in one.pendings], device.links)

    def store(self, device, one, saves):
        href = saves[0].href
        stored = [(s.version, s.kind, s.raw, False, s.time) for s in saves]
        if not self.older:
            last = saves[-1]
            time = last.time + 4000
            raw = self.snapshot(device, one, href, last.version, time)
            stored[-1] = (last.version, events.snapshot_kind(href), raw, True, time)
        if one.documents and self.split:
            one.documents[-1][0] = False
        if not one.documents or self.split:
            one.documents.append([True, []])
        one.documents[-1][1].extend(stored)
        if not self.older:
            self.truncate(one, saves[-1].version)
        self.split = False

    def truncate(self, one, version):
        if self.keep > 0 or self.split:
            self.keep -= 1
            return
        for document in one.documents:
            document[1] = [stored for stored in document[1] if stored[0] >= version]
        one.documents = [document for document in one.documents if document[1]]

    def publish_snapshot(self, device, href, one):
        """Of an older hub: an event with a version of its own."""
        save = Save(device.id, href, len(one.line), events.snapshot_kind(href), self.event_time(), self.now, device.life)
        save.raw = self.snapshot(device, one, href, save.version, save.time)
        self.saves.append(save)
        one.line.append(save)
        one.documents[-1][1].append((save.version, save.kind, save.raw, True, save.time))
        self.truncate(one, save.version)
        return save

    # ---- publishing ----

    def publish(self, save, device, fate):
        if save.withheld or fate == LOST:
            return
        at = self.now + DELAYS.get(fate, 50 * 10**6)
        for i in range(2 if fate == TWICE else 1):
            self.put(save, device, at + i * 20 * SECOND, {GARBAGE: "envelope", DAMAGED: "data"}.get(fate))

    def put(self, save, device, at, garbage=None, raw=None, kind=None):
        kind = kind or save.kind
        body = events.envelope(kind, save.device, save.href, save.version, events.snappy(raw or save.raw))
        if garbage == "envelope":
            body = b"\xff\xff"
        elif garbage == "data":
            body = events.envelope(kind, save.device, save.href, save.version, b"\x05\x00")
        subject = events.subject(kind, save.device, save.href, events.owner_id(device.owner))
        message = Message(self.now, at, subject, body, kind, save, garbage)
        self.messages.append(message)
        save.messages.append(message)
        return message

    def register(self, number, device, fate=OK):
        if fate == LOST:
            return
        time = self.now + self.offset
        subject, body = events.registration(number, events.owner_id(device.owner), [device.id], time)
        self.messages.append(Message(self.now, self.now + DELAYS.get(fate, 50 * 10**6), subject, body, number,
                                     devices=[device.id], time=time))

    # ---- what can happen ----

    def do_wait(self, index):
        self.now += WAITS[index] * SECOND

    def do_on(self, number, registered, fates):
        """A device is onboarded. registered: fate of the registration, or -1: it comes behind the first events."""
        device = self.devices[number]
        if device.alive:
            return
        device.alive, device.links, device.aggregates = True, [], {}
        device.life = self.lives[number]
        self.lives[number] += 1
        if device.life:
            self.resets.append((self.now, "life", device.id))
        if registered >= 0:
            self.register(events.REGISTERED, device, registered)
            self.now += 200 * 10**6
        fates = fates or [OK]
        self.save(device, METADATA, "devicemetadataupdated", fates[0])
        device.links = HREFS[:LINKED_FIRST]
        self.save(device, LINKS, "resourcelinkspublished", fates[1 % len(fates)], device.links)
        for i, href in enumerate(device.links):
            self.save(device, href, "resourcechanged", fates[(2 + i) % len(fates)])
        if registered < 0:
            self.register(events.REGISTERED, device)

    def do_off(self, number, unregistered):
        """The device is deleted: its documents go, and `devicesunregistered` comes or does not."""
        device = self.devices[number]
        if not device.alive:
            return
        self.now += 15 * SECOND
        device.alive, device.aggregates, device.links = False, {}, []
        if unregistered:
            self.register(events.UNREGISTERED, device)

    def do_restart(self, number):
        """Deleted in the middle of an error: the documents are gone, and the device goes on at version 0."""
        device = self.devices[number]
        if device.alive:
            self.do_off(number, False)
            self.do_on(number, LOST, [OK])

    def do_rereg(self, number, owner):
        """A cloud-to-cloud connector: only the identity store; the aggregates live on."""
        device = self.devices[number]
        if device.alive:
            self.register(events.UNREGISTERED, device)
            device.owner = owner
            self.register(events.REGISTERED, device)

    def do_change(self, number, href, fate):
        device = self.devices[number]
        if device.alive:
            self.save(device, HREFS[href], "resourcechanged", fate)

    def do_meta(self, number, fate):
        device = self.devices[number]
        if device.alive:
            self.save(device, METADATA, "devicemetadataupdated", fate)

    def do_command(self, number, href, which, fate):
        device = self.devices[number]
        kinds = ["resourceupdatepending", "resourcecreatepending", "resourcedeletepending", "resourceretrievepending"]
        if device.alive:
            self.save(device, HREFS[href], kinds[which], fate)

    def do_answer(self, number, href, fate):
        """The oldest open command is confirmed."""
        device = self.devices[number]
        one = device.aggregates.get(HREFS[href])
        if device.alive and one and one.pendings:
            pending = one.pendings[0]
            kind = next(answer for answer, asked in events.ANSWERS.items() if asked == pending.kind)
            self.save(device, HREFS[href], kind, fate, correlation=pending.correlation)

    def do_cancel(self, number, href, fates):
        """All open commands in one save."""
        device = self.devices[number]
        one = device.aggregates.get(HREFS[href])
        if device.alive and one and one.pendings:
            answers = {asked: answer for answer, asked in events.ANSWERS.items()}
            self.save_all(device, HREFS[href], [(answers[p.kind], (), p.correlation) for p in one.pendings], fates or [OK])

    def do_link(self, number, href, fate):
        device = self.devices[number]
        if device.alive and HREFS[href] not in device.links:
            device.links.append(HREFS[href])
            self.save(device, LINKS, "resourcelinkspublished", fate, [HREFS[href]])

    def do_unlink(self, number, href, fate):
        device = self.devices[number]
        if device.alive and HREFS[href] in device.links:
            device.links.remove(HREFS[href])
            self.save(device, LINKS, "resourcelinksunpublished", fate, [HREFS[href]])
            self.save(device, HREFS[href], "resourcechanged", fate if fate != LOST else OK)

    def do_backup(self):
        self.backup = [device.copy() for device in self.devices]

    def do_restore(self):
        """The store goes back to the backup; what was saved since is gone from it."""
        if self.backup is None:
            return
        for device, then in zip(self.devices, self.backup):
            if device.alive or then.alive:
                self.resets.append((self.now, "restore", device.id))
        self.devices = [device.copy() for device in self.backup]

    def do_crash(self, number, href, count):
        """A store that loses its last writes, of one aggregate."""
        device, href = self.devices[number], (HREFS + [LINKS, METADATA])[href]
        one = device.aggregates.get(href)
        if not device.alive or one is None or not one.before:
            return
        then = one.before[max(len(one.before) - count, 0)]
        self.resets.append((self.now, "crash", device.id))
        device.aggregates[href] = then.copy()
        if not then.line:
            del device.aggregates[href]

    def do_zero(self, number, href, leftovers):
        """An aggregate begins at 0 again while its device lives."""
        device, href = self.devices[number], (HREFS + [LINKS, METADATA])[href]
        if device.alive and href in device.aggregates:
            new = Aggregate()
            if leftovers:
                new.leftovers = [[False, stored] for _, stored in device.aggregates[href].documents]
            self.resets.append((self.now, "leftovers" if leftovers else "zero", device.id))
            device.aggregates[href] = new

    def do_ghost(self, number, href, above):
        device = self.devices[number]
        if device.alive:
            one = device.aggregates.get(HREFS[href])
            if one:
                one.ghosts.append(len(one.line) - 1 + above)

    def do_keep(self, count):
        """The next truncations fail."""
        self.keep = count

    def do_split(self):
        self.split = True

    def do_skew(self, seconds):
        """From now on another replica, with another clock, saves."""
        self.skew = seconds

    def do_upgrade(self):
        self.older = False

    def do_again(self, back):
        """A message of before, once more."""
        saves = [save for save in self.saves if save.messages]
        if saves:
            save = saves[-1 - back % len(saves)]
            self.put(save, self.devices[0], self.now)

    def do_backfill(self, back, snapshot):
        """Someone publishes what was lost: the event, or the snapshot that the store has in its place."""
        lost = [save for save in self.saves if not save.messages and not save.withheld]
        if not lost:
            return
        save = lost[-1 - back % len(lost)]
        if snapshot:
            device = next(device for device in self.devices if device.id == save.device)
            one = device.aggregates.get(save.href)
            stored = [e for d in one.documents for e in d[1] if e[0] == save.version and e[3]] if one else []
            if stored and one.line[save.version] is save:
                message = self.put(save, device, self.now, raw=stored[0][2], kind=stored[0][1])
                message.time = stored[0][4]
        else:
            self.put(save, self.devices[0], self.now)

    def do_foreign(self):
        self.messages.append(Message(self.now, self.now, "plgd.other", b"?", 0))

    def do_service(self):
        version = len(self.services.line)
        time = self.event_time()
        self.services.line.append(None)
        raw = events.encode_snapshot(SERVICES, events.HUB, version, time, "", None, [], [])
        self.services.documents = [[True, [(version, events.snapshot_kind(SERVICES), raw, True, time)]]]

    def do_recreate(self, unarchived, mode):
        """The stream is made again: 0 empty, 1 from a backup (its messages come again), 2 rolled back."""
        self.cuts.append((self.now, unarchived, mode))

    # ---- what is there at the end ----

    def documents(self):
        out = []
        every = [(device.id, href, one) for device in self.devices for href, one in device.aggregates.items()]
        for device, href, one in every + [(events.HUB, SERVICES, self.services)]:
            for active, stored in one.leftovers + one.documents:
                out.append(events.document(device, href, stored, active))
            out.extend(events.ghost(device, href, version) for version in one.ghosts)
        return out
