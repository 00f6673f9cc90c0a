#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the audits that losses.sh ran beside a live writer, by the log of that writer.

    losses.py line DIR RUN       one line about an audit, as soon as it ended
    losses.py summary DIR        what must hold for all of them; exit status 1 when it does not

DIR has truth.jsonl (loadgen --live-log), expected.json (loadgen --expected, for the summary), settle (seconds, and
by how many the hub's clock is behind) and runs.jsonl: of each audit its number, begin and end in ns, exit status, and whether it was killed. Of those that
were not there are RUN.json (the report) and RUN.ndjson (the findings).

What must hold:
- No alarm is false. Only `lost` is expected, and only for what the writer never published: what is late and was
  called lost is a false alarm, although it was missing at that moment.
- No finding is withdrawn: what one audit found the next ones find, too.
- Every loss is found in time: by the second audit that begins later than its save + settle; where audits take so
  long that the first one that can have noted it ended later than that needs: by the first that begins settle after
  the end of this one. Killed audits do not count.
- `recoverable` is what the store had while an audit ran: in the first report at least as much as it had throughout
  one of the audits up to then (rescued, or still there), at most what it had at some moment of one of them, killed
  ones included. It never gets worse in later reports.
- In the end nothing is in flight, sums hold, and the counts are those that the writer expects.
"""
import bisect
import json
import os
import sys

NS = 10**9
# The hub's clock is behind the stream's by what a prompt publish takes; settle is longer by that.
CLOCKS = 1 * NS
RANK = {"superseded": 0, "snapshot": 1, "rebuilt": 2, "exact": 3}
WORD = {rank: word for word, rank in RANK.items()}
NO_ALARM = ("undecided", "unverifiable_gap")
EXPECTED = ("expected", "covered", "lost", "lost_in_store", "lost_deleted", "messages", "registrations", "duplicate",
            "deleted_device")
SHOWN = 10


def lines(path):
    """The whole lines: the last one may be half written."""
    with open(path) as file:
        return [json.loads(text) for text in file if text.endswith("\n")]


class Loss:
    """What the writer knows of an event that it never published."""

    def __init__(self, line):
        self.saved, self.stored = line["saved"], line["stored"]
        self.kind, self.why = line["event_type"], line["why"]
        # (earliest begin, rank) of each state of its copy; it ends when the next one is done.
        self.begins, self.dones, self.ranks = [self.stored], [self.stored], [RANK[line["word"]]]

    def change(self, line):
        self.begins.append(line["begun"])
        self.dones.append(line["done"])
        self.ranks.append(RANK[line["word"]])

    def copies(self, run):
        """Ranks of what the store may have had while that audit ran; nothing of an earlier one."""
        last = bisect.bisect_right(self.begins, run.end)
        first = max(0, bisect.bisect_left(self.dones, run.begin) - 1)
        return self.ranks[first:last]


class Truth:
    def __init__(self, path):
        self.losses, self.late, self.begin, self.outages = {}, 0, None, 0
        for line in lines(path):
            key = line.get("aggregate_id"), line.get("version")
            if line["what"] == "begin":
                self.begin = line["time"]
            elif line["what"] == "lost":
                self.losses[key] = Loss(line)
            elif line["what"] == "copy" and key in self.losses:
                self.losses[key].change(line)
            elif line["what"] == "published":
                self.late += 1
            elif line["what"] == "outage":
                self.outages += 1


class Run:
    def __init__(self, folder, line):
        self.number, self.begin, self.end = line["run"], line["begin"], line["end"]
        self.status, self.killed = line["status"], line["killed"]
        self.report, self.found, self.others = None, {}, []
        if self.killed:
            return
        with open(os.path.join(folder, "%d.json" % self.number)) as file:
            self.report = json.load(file)
        for finding in lines(os.path.join(folder, "%d.ndjson" % self.number)):
            first, last = finding["version"], finding.get("last_version", finding["version"])
            for version in range(first, last + 1) if finding["code"] == "lost" else ():
                self.found[finding["aggregate_id"], version] = RANK[finding["recoverable"]]
            if finding["code"] not in ("lost", *NO_ALARM):
                self.others.append("%s %s@%s, audit %d" % (
                    finding["code"], finding["aggregate_id"], first, self.number))

    def count(self, *names):
        return sum(self.report["counts"][name] or 0 for name in names)


class Judge:
    def __init__(self, folder):
        self.folder = folder
        self.truth = Truth(os.path.join(folder, "truth.jsonl"))
        with open(os.path.join(folder, "settle")) as file:
            # A hub's clock that is behind makes it longer.
            self.settle = sum(int(word) for word in file.read().split()) * NS
        self.all = [Run(folder, line) for line in lines(os.path.join(folder, "runs.jsonl"))]
        self.runs = [run for run in self.all if not run.killed]
        self.first = {}  # index into runs of the first report
        for i, run in enumerate(self.runs):
            for key in run.found:
                self.first.setdefault(key, i)

    def false(self, run):
        losses = self.truth.losses
        return ["%s@%d, audit %d" % (*key, run.number) for key in run.found
                if key not in losses or losses[key].saved > run.end] + run.others

    def withdrawn(self, i):
        if i == 0:
            return []
        return ["%s@%d, audit %d" % (*key, self.runs[i].number)
                for key in self.runs[i - 1].found if key not in self.runs[i].found]

    def due(self, loss):
        """Index of the audit that must report it; len(runs) when that one did not run any more."""
        after = [i for i, run in enumerate(self.runs) if run.begin > loss.stored + self.settle + CLOCKS]
        noted = next((run.end for run in self.runs if run.begin > loss.stored), None)
        if len(after) < 2 or noted is None:
            return len(self.runs)
        return next((i for i in after[1:] if self.runs[i].begin > noted + self.settle + CLOCKS), len(self.runs))

    def held(self, loss, until):
        """(least, most) rank that the report of that audit must and may say."""
        least, most = 0, 0
        for run in self.all:
            if run.begin > self.runs[until].begin or run.end < loss.saved:
                continue
            if run.begin < loss.stored:
                # It looked while the event was being saved: for an instant there may have been more.
                most = RANK["exact"]
                continue
            ranks = loss.copies(run)
            most = max(most, max(ranks))
            if not run.killed:
                least = max(least, min(ranks))
        return least, most

    def by_rescue(self, key):
        """The store had less already when the audit that reported it began."""
        run = self.runs[self.first[key]]
        return run.found[key] > max(self.truth.losses[key].copies(run), default=0)

    def line(self, number):
        i = next(i for i, run in enumerate(self.runs) if run.number == number)
        run = self.runs[i]
        new = [key for key in run.found if self.first[key] == i]
        false = self.false(run)
        print("%5.0f s  audit %3d  %4d lost, %3d new  %4d in flight  %d excused  %d false  %d withdrawn  %5.2f s" % (
            (run.begin - self.truth.begin) / NS, number, len(run.found), len(new), run.count("in_flight"),
            run.count(*NO_ALARM, "before_horizon", "unannounced"),
            len(false), len(self.withdrawn(i)), (run.end - run.begin) / NS), flush=True)
        show("false", false)

    def summary(self):
        known = [key for key in self.first if key in self.truth.losses]
        problems = {
            "false": sorted({text for run in self.runs for text in self.false(run)}),
            "withdrawn": [text for i in range(len(self.runs)) for text in self.withdrawn(i)],
            "never found": [], "found too late": [], "copy gone": [], "copy never seen": [], "copy worse later": [],
            "end": self.at_the_end(),
        }
        for key, loss in self.truth.losses.items():
            self.judge(key, loss, problems)
        late_or_missed = len(problems["never found"]) + len(problems["found too late"])
        losses = len(self.truth.losses)
        saved = [key for key in known if self.runs[self.first[key]].found[key] > 0]
        rescued = [key for key in known if self.by_rescue(key)]
        behind = [(self.runs[self.first[key]].begin - self.truth.losses[key].stored) / NS for key in known]
        print("losses     %d, beside %d events that were late and %d lost connections" % (
            losses, self.truth.late, self.truth.outages))
        print("audits     %d, and %d killed" % (len(self.runs), len(self.all) - len(self.runs)))
        print("reported   %d, the last one %.0f s after its save" % (len(known), max(behind, default=0)))
        print("recall     %s in time" % share(losses - late_or_missed, losses))
        print("precision  %s" % share(len(known), len(known) + len(problems["false"])))
        print("recovered  %s, %d of them thanks to rescue" % (share(len(saved), losses), len(rescued)))
        for name, texts in problems.items():
            show(name, texts)
        wrong = {name: len(texts) for name, texts in problems.items() if texts}
        print("losses: %s" % (", ".join("%d %s" % (n, name) for name, n in wrong.items()) or "all well"))
        return 1 if wrong else 0

    def judge(self, key, loss, problems):
        name = "%s@%d, %s, saved at %.1f s" % (*key, loss.kind, (loss.saved - self.truth.begin) / NS)
        if key not in self.first:
            problems["never found"].append(name)
            return
        first, due = self.first[key], self.due(loss)
        if first > due:
            problems["found too late"].append("%s: by audit %d, due by %d" % (
                name, self.runs[first].number, self.runs[due].number))
        word = self.runs[first].found[key]
        least, most = self.held(loss, first)
        text = "%s: %s, the store had %s to %s" % (name, WORD[word], WORD[least], WORD[most])
        if word < least:
            problems["copy gone"].append(text)
        if word > most:
            problems["copy never seen"].append(text)
        later = [run.found[key] for run in self.runs[first:] if key in run.found]
        if min(later) < word:
            problems["copy worse later"].append("%s: %s, then %s" % (name, WORD[word], WORD[min(later)]))

    def at_the_end(self):
        """What makes the rest worth anything, and what the writer counted."""
        wrong = ["audit %d: exit status %d" % (run.number, run.status) for run in self.runs if run.status not in (0, 1)]
        wrong += ["audit %d: sums do not hold" % run.number for run in self.runs if not run.report["sums_hold"]]
        if len(self.runs) < 3 or not self.truth.losses or not self.truth.late:
            return wrong + ["%d audits, %d losses, %d late events: too few to tell anything" % (
                len(self.runs), len(self.truth.losses), self.truth.late)]
        if not any(run.count("in_flight") for run in self.runs):
            wrong.append("nothing was ever in flight")
        last = self.runs[-1]
        with open(os.path.join(self.folder, "expected.json")) as file:
            expected = json.load(file)
        wrong += ["%s: %s, the writer says %s" % (name, last.count(name), expected[name])
                  for name in EXPECTED if last.count(name) != expected[name]]
        if last.count("in_flight"):
            wrong.append("%d in flight" % last.count("in_flight"))
        return wrong


def share(part, whole):
    return "%d of %d (%.1f %%)" % (part, whole, 100 * part / whole if whole else 0)


def show(name, texts):
    for text in texts[:SHOWN]:
        print("    %s: %s" % (name, text))
    if len(texts) > SHOWN:
        print("    %s: and %d more" % (name, len(texts) - SHOWN))


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "line":
        Judge(sys.argv[2]).line(int(sys.argv[3]))
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == "summary":
        return Judge(sys.argv[2]).summary()
    print("usage: losses.py line DIR RUN | summary DIR", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
