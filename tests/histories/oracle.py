# SPDX-License-Identifier: Apache-2.0
"""What an audit of a made-up history may say, and what it must not.

Against the truth, for every history: nothing is called lost, lost_in_gap, forked or store_lost that is not; nothing
that is lost counts as covered, but where two lives or forks left no trace of their border. Against the rules
(rules.py), for devices where they are exact: verdicts, findings and counts are those, no more and no less.
"""
from collections import Counter, defaultdict

import events
import rules
import stream

SETTLED = ("lost", "lost_in_gap")
MISSING = ("lost_in_store", "lost_in_gap", "in_flight", "before_horizon", "unverifiable_gap", "unannounced", "undecided")
ALARMS = ("lost", "lost_in_gap", "store_lost", "forked", "differs", "malformed_message", "malformed_document")


class Truth:
    """What the hub did up to a moment, per aggregate and version."""

    def __init__(self, view, identities, history):
        self.view, self.line, self.settle = view, view.line, history["settle"] * 10**9
        self.fate = stream.fates(view, identities)
        self.saves = defaultdict(list)  # (aggregate, version) -> saves, of all lives
        for save in view.saves:
            self.saves[save.aggregate, save.version].append(save)
        self.registrations = Counter(device for identity in identities for _, message in identity.records()
                                     if message.kind == events.REGISTERED for device in message.devices)
        self.undone = {device for _, what, device in view.resets if what != "life"}

    def is_lost(self, save):
        """Not on the stream within settle of its save, and not archived. Who comes later than that may be called lost."""
        fate = self.fate[id(save)]
        if fate == "hole":
            return all(message.at - save.now > self.settle for message in save.messages)
        return fate == "lost" or fate == "pending" and self.view.now - save.now > self.settle

    def is_gone(self, save):
        """It was published, its device lives, and the store does not have that event."""
        return (self.fate[id(save)] == "seen" and save.device in self.view.alive and save.device in self.undone
                and self.line.get((save.aggregate, save.version)) is not save)

    def could_tell(self, device):
        """A life with neither a version 0 nor a registration on the stream looks as if the store had gone back."""
        seen = [save for save in self.view.saves if save.device == device and self.fate[id(save)] == "seen"]
        lives = {save.life for save in seen}
        return self.registrations[device] >= len(lives) or all(
            any(save.version == 0 and save.life == life for save in seen) for life in lives)

    def era(self, save):
        """Which life or fork of its device the save belongs to."""
        return sum(device == save.device and time <= save.now for time, _, device in self.view.resets)

    def parted(self, device, epochs, verdict):
        """The lives and forks that the rules see are those that were, and the store is in one of them."""
        eras = [{self.era(save) for save in self.saves_of(epoch)} for epoch in epochs if epoch.rows()]
        if any(len(one) != 1 for one in eras) or verdict is None:
            return False
        shown = [one.pop() for one in eras]
        stored = {self.era(save) for save in self.line.values() if save.device == device}
        borders = [what for what in verdict.borders if what != "nothing"]
        return shown == sorted(set(shown)) and stored <= set(shown) | {0} and borders == [
            self.border(device, *pair) for pair in zip(shown, shown[1:])]

    def border(self, device, before, behind):
        """What lies between two eras of a device."""
        resets = [what for time, what, one in self.view.resets if one == device][before:behind]
        return "life" if "life" in resets else "fork"

    def saves_of(self, epoch):
        out = []
        for aggregate, versions in epoch.seen.items():
            for version, row in versions.items():
                # A snapshot that someone published in the place of an event has a later time.
                out += [s for s in self.saves[aggregate, version] if 0 <= row.time - s.time <= 4000]
        return out


def noted(view, history, before):
    """The latestversions that an audit may have noted at least settle ago."""
    out = {}
    for earlier in before:
        if view.now - earlier.now >= history["settle"] * 10**9:
            for aggregate, version in earlier.line:
                out[aggregate] = max(out.get(aggregate, -1), version)
    return out


def remembered(audit, other):
    """What an audit with a memory says, beside one that has none."""
    wrong = ["%s@%d is lost only without memory (deleted: %s)" % key for key in sorted(other.keys("lost") - audit.keys("lost"))]
    more = audit.keys("lost") - other.keys("lost")
    open_ = sum(other.counts[name] + other.counts[name + "_deleted"] for name in ("in_flight", "undecided", "unannounced", "before_horizon"))
    if len(more) > open_:
        wrong.append("%d more are lost with memory than without, where %d were open" % (len(more), open_))
    for name in ("expected", "covered", "duplicate", "foreign", "messages", "lost_deleted"):
        if audit.counts[name] != other.counts[name]:
            wrong.append("%s: %s with memory, %s without" % (name, audit.counts[name], other.counts[name]))
    return wrong


def sound(truth, findings, before):
    """What the truth contradicts, in words. before: the earlier audits of the state."""
    wrong = []
    for finding in findings:
        key = (finding["aggregate_id"], finding["version"])
        saves = truth.saves.get(key, [])
        if finding["code"] in SETTLED:
            if not finding["lost_deleted"] and key in truth.line:
                saves = [truth.line[key]]
            if finding["code"] == "lost" and not any(truth.is_lost(save) for save in saves):
                wrong.append("%s@%d is called lost, and was %s" % (key + (" / ".join(truth.fate[id(s)] for s in saves) or "never",)))
        if finding["code"] == "forked" and finding["device_id"] not in truth.undone and truth.could_tell(finding["device_id"]):
            wrong.append("%s@%d is called forked, and its store never went back" % key)
        if finding["code"] == "store_lost":
            if not before:
                wrong.append("%s@%d is called store_lost at first sight" % key)
            elif not any(truth.is_gone(save) for save in saves):
                wrong.append("%s@%d is called store_lost, and the store has it or its device is deleted" % key)
    wrong += sound_in_gaps(truth, findings)
    return wrong


def sound_in_gaps(truth, findings):
    """Of an aggregate, no more are lost_in_gap than were lost and are not called lost."""
    called = Counter(f["aggregate_id"] for f in findings if f["code"] in SETTLED)
    in_gap = {f["aggregate_id"] for f in findings if f["code"] == "lost_in_gap"}
    wrong = []
    for aggregate in sorted(in_gap):
        lost = sum(truth.is_lost(save) for key, saves in truth.saves.items() if key[0] == aggregate for save in saves)
        if called[aggregate] > lost:
            wrong.append("%s: %d are called lost or lost_in_gap, and %d were lost" % (aggregate, called[aggregate], lost))
    return wrong


def complete(truth, world, report):
    """Nothing that is missing counts as covered, where all borders left their traces."""
    for device in map(events.device_id, (0, 1)):
        if not truth.parted(device, rules.part(world.rows[device])[0], world.judge_device(device)):
            return []
    if any(what == "leftovers" for _, what, _ in truth.view.resets):
        return []  # the store itself does not tell where it stands
    seen = 0
    for key, save in truth.line.items():
        # Where a fork began is known by what was seen of it: below that, the numbers of before carry over.
        every = truth.saves[key] if save.device in truth.undone else [save]
        seen += any(truth.fate[id(one)] == "seen" for one in every)
    if report["counts"]["covered"] > seen:
        return ["%d versions are covered, and %d are on the stream" % (report["counts"]["covered"], seen)]
    if not truth.undone and report["counts"]["expected"] != len(truth.line):
        return ["%d versions are expected, and %d were saved" % (report["counts"]["expected"], len(truth.line))]
    return []


def consistent(report, identities, status):
    """Sums, exit status, verdict word, and the counts that need no rule."""
    counts, wrong = report["counts"], []
    rows = [row for i in identities for _, message in i.records() for row in stream.rows_of(message)]
    for name, row_class in (("registrations", 1), ("foreign", 2), ("malformed_message", 3)):
        want = sum(row[4] == row_class for row in rows)
        if counts[name] != want:
            wrong.append("%s: %d, and there are %d" % (name, counts[name], want))
    if counts["messages"] != sum(len(i.records()) for i in identities):
        wrong.append("messages: %d" % counts["messages"])
    if not report["sums_hold"]:
        wrong.append("the sums do not hold")
    if counts["expected"] != counts["covered"] + sum(counts[name] or 0 for name in MISSING):
        wrong.append("expected is not the sum of its parts")
    words = {0: "clean", 1: "findings", 5: "incomplete"}
    if report["exit_status"] != status or report["verdict"] != words.get(status):
        wrong.append("exit status %d, and the report says %s %s" % (status, report["exit_status"], report["verdict"]))
    alarms = any(counts.get(name) for name in ALARMS)
    holes = any(i.gone for i in identities)
    if status not in ([5] if holes else [1, 5] if alarms else [0, 5]):
        wrong.append("exit status %d with%s holes, with%s alarms" % (status, "" if holes else "out", "" if alarms else "out"))
    if len(identities) == 1 and not holes and status == 5 and counts["covered"]:
        wrong.append("incomplete, and nothing was left out")
    return wrong


class Tally:
    """Least and most of every count."""

    def __init__(self):
        self.least, self.most = Counter(), Counter()

    def add(self, allowed):
        for name in allowed:
            self.most[name] += 1
        if len(allowed) == 1:
            self.least.update(allowed)

    def compare(self, name, count):
        if self.least[name] <= count <= self.most[name]:
            return []
        return ["%s: %d, and the rules allow %d to %d" % (name, count, self.least[name], self.most[name])]


def equal(truth, world, report, findings, history, memory):
    """Where the rules are exact, the report is what they say. None: they are not, for some device.

    memory: there were earlier audits of the state."""
    verdicts = [world.judge_device(events.device_id(number)) for number in (0, 1)]
    if None in verdicts or any(verdict.open for verdict in verdicts):
        return None
    tally, deleted, must, may = Tally(), Tally(), Counter(), Counter()
    for verdict in verdicts:
        for key, every in verdict.missing.items():
            for allowed in every:
                (deleted if key[2] else tally).add(allowed)
                may[key] += "lost" in allowed
                must[key] += allowed == {"lost"}
    counts, wrong = report["counts"], []
    for name in MISSING:
        wrong += tally.compare("lost" if name == "lost_in_store" else name, counts[name])
    for name in ("in_flight", "before_horizon", "unannounced", "undecided"):
        wrong += deleted.compare(name, counts[name + "_deleted"])
    wrong += deleted.compare("lost", counts["lost_deleted"])
    want = Counter({"duplicate": sum(verdict.duplicates for verdict in verdicts)})
    for verdict in verdicts:
        want.update(verdict.counts)
    counts = dict(counts, ahead=counts["ahead"] + (counts["store_lost"] if memory else 0))
    for name in ("covered", "deleted_device", "forked", "ahead", "duplicate"):
        more = want["over"] if name in ("deleted_device", "forked") else 0
        if not want[name] <= counts[name] <= want[name] + more:
            wrong.append("%s: %d, and the rules say %d" % (name, counts[name], want[name]))
    found = Counter((f["aggregate_id"], f["version"], f["lost_deleted"]) for f in findings if f["code"] == "lost")
    wrong += ["%s@%d is not called lost (deleted: %s)" % key for key in sorted((must - found).keys())]
    wrong += ["%s@%d must not be called lost (deleted: %s)" % key for key in sorted((found - may).keys())]
    forked = {(f["aggregate_id"], f["version"]) for f in findings if f["code"] == "forked"}
    least = set().union(*(verdict.must_fork for verdict in verdicts))
    if not least <= forked <= least.union(*(verdict.may_fork for verdict in verdicts)):
        wrong.append("other forks than the rules say: %s" % sorted(forked))
    if history["hub"] == "current":
        forms = {key: form for verdict in verdicts for key, form in verdict.forms.items()}
        wrong += recoverable(findings, forms, memory)
    return wrong


def recoverable(findings, forms, memory):
    """memory: what an earlier audit rescued counts, too."""
    wrong = []
    for finding in findings:
        key = (finding["aggregate_id"], finding["version"])
        if finding["code"] == "lost" and not finding["lost_deleted"] and forms.get(key) is not None:
            want = rules.FORMS[forms[key]]
            found = rules.FORMS.index(finding["recoverable"])
            if found > forms[key] or found < forms[key] and not memory:
                wrong.append("%s@%d is recoverable as %s, not as %s" % (key + (want, finding["recoverable"])))
    return wrong


def calm(history):
    """Devices of which nothing can have been withheld, as a function for rules.World."""
    busy = {op[1] for op in history["ops"] if op[0] in ("command", "answer", "cancel", "link", "unlink")}
    quiet = set()
    for number in {0, 1} - busy:
        device = events.device_id(number)
        quiet |= {(device, events.aggregate_id(device, href)) for href in ("/a", "/b")}
    every = {(events.device_id(n), events.aggregate_id(events.device_id(n), href))
             for n in (0, 1) for href in (events.LINKS, events.METADATA)}
    return lambda device, aggregate: (device, aggregate) in quiet | every
