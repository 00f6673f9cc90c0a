#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""traps.py [--group GROUP] [--seeds N] [NAME...]: each trap beside what an audit makes of it.

A row of the table is a history with one trap or several, in a dose. loadgen writes it to the servers
that run (NATS_URL, MONGO_URI; EVTRAIL_SERVERS has the programs) and tells the truth of it; EVTRAIL
audits it, with --settle 0s unless the row says otherwise. The row holds when
- every loss that is reported was one, and is told as recoverable as it is,
- every loss that can be proved is reported,
- messages forked or lost by the store are reported where they are, and nowhere else,
- the counts are those of the truth, the sums hold, and the exit status says what was found.
Exit status 0 only when all rows hold."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

from trial import Server, Trial, Trouble, nats, subjects


def plain(trial):
    trial.loadgen()
    trial.audit()
    trial.check()


def twice(trial):
    plain(trial)
    trial.check_again()


def by_and_by(trial):
    """Audits while the history goes on: each has to be right, and what it keeps must not mislead the next."""
    sent = 0
    for share in (0.45, 0.75, 1):
        sent = trial.loadgen("--skip", str(sent), *(trial.events(share) if share < 1 else ()))
        trial.audit()
        trial.check()


def under_way(trial):
    """Audited while messages are late; they come, and the next audit sees them."""
    trial.start = trial.start_so_that(timedelta(seconds=-1), *trial.events(0.8))
    sent = trial.loadgen(*trial.events(0.8))
    trial.audit()
    trial.check()
    trial.loadgen("--deliver", "--skip", str(sent), *trial.events(0.8))
    trial.audit()
    trial.check()


def ranges(numbers):
    """[1, 2, 3, 7] is 1-3,7-7."""
    text, first, last = [], None, None
    for n in sorted(numbers):
        if first is None or n != last + 1:
            if first is not None:
                text.append("%d-%d" % (first, last))
            first = n
        last = n
    return ",".join(text + ["%d-%d" % (first, last)])


def purged(trial):
    """Before anything was archived: the archives begin late."""
    begin = int(trial.loadgen() * 0.4)
    nats("stream", "purge", "EVENTS", "--seq", str(begin), "-f")
    trial.loadgen("--horizon", str(begin), publish=False, store=False)
    trial.audit()
    trial.check()


def purged_between(trial):
    """What came since the last snapshot and is purged before the next is a hole."""
    begin = int(trial.loadgen(publish=False, store=False) * 0.5)
    sent = trial.loadgen(*trial.events(0.4), store=False)
    trial.evtrail("snapshot", wanted=(0,))
    trial.loadgen("--skip", str(sent), "--holes", "%d-%d" % (sent + 1, begin - 1))
    nats("stream", "purge", "EVENTS", "--seq", str(begin), "-f")
    trial.audit()
    trial.check()


def purged_behind(trial):
    """What is archived is archived."""
    trial.loadgen()
    trial.evtrail("snapshot", wanted=(0,))
    nats("stream", "purge", "EVENTS", "-f")
    trial.audit()
    trial.check()


def limited(trial):
    """To the last four messages of each subject."""
    trial.loadgen()
    nats("stream", "edit", "EVENTS", "--max-msgs-per-subject", "4", "-f")
    kept, gone = Counter(), []
    for seq, subject in reversed(list(enumerate(subjects(trial.path("messages")), 1))):
        kept[subject] += 1
        if kept[subject] > 4:
            gone.append(seq)
    begin = json.loads(nats("stream", "info", "EVENTS", "--json"))["state"]["first_seq"]
    trial.loadgen("--horizon", str(begin), "--holes", ranges(x for x in gone if x > begin), publish=False, store=False)
    trial.audit()
    trial.check()


def deleted(trial):
    """Single messages anywhere, and those before and behind losses: of what is missing there some must be lost."""
    last = trial.loadgen()
    gone = set(trial.random.sample(range(2, last), 10))
    look = Trial(trial.row, trial.seed, trial)
    try:
        look.audit()
        beside = [x for x in look.findings if x["code"] == "lost" and x["sequence_after"] and x["sequence_before"]]
    finally:
        shutil.rmtree(look.folder)
    for x in trial.random.sample(beside, min(6, len(beside))):
        gone.add(x[trial.random.choice(("sequence_after", "sequence_before"))])
    gone -= {1, last}
    for seq in gone:
        nats("stream", "rmm", "EVENTS", str(seq), "-f")
    trial.loadgen("--holes", ranges(gone), publish=False, store=False)
    trial.audit()
    trial.check()


def made_again(trial):
    """Deleted when all of it was archived."""
    sent = trial.loadgen(*trial.events(0.5), store=False)
    trial.evtrail("snapshot", wanted=(0,))
    nats("stream", "rm", "EVENTS", "-f")
    trial.loadgen("--skip", str(sent), "--parting", str(sent))
    trial.audit()
    trial.check()


def made_again_too_soon(trial):
    """Deleted when not all of it was archived. What the clocks say has to be true here: events come when due."""
    trial.start = trial.start_so_that(timedelta(seconds=1), *trial.events(0.5))
    time.sleep(0.5)
    archived = trial.loadgen(*trial.events(0.4), store=False)
    trial.evtrail("snapshot", wanted=(0,))
    time.sleep(0.6)
    sent = trial.loadgen("--skip", str(archived), *trial.events(0.5), store=False)
    nats("stream", "rm", "EVENTS", "-f")
    time.sleep(2)
    trial.loadgen("--skip", str(sent), "--parting", str(archived), "--holes", "%d-%d" % (archived + 1, sent))
    time.sleep(4)
    trial.audit()
    trial.check()


# How often the old messages are archived is not what the next three are about.
REPEATED = ("messages", "registrations", "duplicate")


def restored(trial):
    """An older backup takes the stream's place; what it lacks was archived."""
    early = trial.loadgen(*trial.events(0.4), store=False)
    nats("stream", "backup", "EVENTS", trial.path("backup"))
    sent = trial.loadgen("--skip", str(early), *trial.events(0.6), store=False)
    trial.evtrail("snapshot", wanted=(0,))
    nats("stream", "rm", "EVENTS", "-f")
    nats("stream", "restore", trial.path("backup"))
    trial.loadgen("--skip", str(sent), "--parting", str(sent))
    trial.audit()
    trial.check(*REPEATED)


def repeated(trial):
    """A backup that has all that was archived before, and then the history goes on."""
    sent = trial.loadgen(*trial.events(0.5), store=False)
    nats("stream", "backup", "EVENTS", trial.path("backup"))
    trial.evtrail("snapshot", wanted=(0,))
    nats("stream", "rm", "EVENTS", "-f")
    nats("stream", "restore", trial.path("backup"))
    trial.loadgen("--skip", str(sent), "--parting", str(sent))
    trial.audit()
    trial.check(*REPEATED)


def rolled_back(trial):
    """The server's disk is an older one: the same stream, and its sequences are used again."""
    server = Server(trial.path("server"))
    try:
        trial.nats = server.start()
        early = trial.loadgen(*trial.events(0.4), store=False)
        server.stop()
        shutil.copytree(server.folder, server.folder + ".old")
        trial.nats = server.start()
        sent = trial.loadgen("--skip", str(early), *trial.events(0.6), store=False)
        trial.evtrail("snapshot", wanted=(0,))
        server.stop()
        shutil.rmtree(server.folder)
        os.rename(server.folder + ".old", server.folder)
        trial.nats = server.start()
        trial.loadgen("--skip", str(sent), "--parting", str(sent))
        trial.audit()
        trial.check(*REPEATED)
    finally:
        server.stop()


class Row:
    """ago: how many seconds the last event is older than the stream. only_false: what must be found is not known."""

    def __init__(self, group, name, dose, play=plain, settle="0s", incomplete=False, ago=3 * 3600, only_false=False):
        self.group = group
        self.name = name
        self.dose = dose
        self.play = play
        self.settle = settle
        self.incomplete = incomplete
        self.ago = ago
        self.only_false = only_false


SMALL = "--events 1500 --devices 8 --lost 0.02"
MANY = "--events 3000 --devices 40 --lost 0.05"
LIVES = " --deleted-devices 8 --silent-deletes 8 --second-lives 12"
LATE = " --delayed 0.3 --delay 8m"

TABLE = [
    Row("lives", "no trap at all", SMALL),
    Row("lives", "deleted devices", SMALL + " --deleted-devices 2 --silent-deletes 2"),
    Row("lives", "onboarded again", SMALL + " --deleted-devices 2 --silent-deletes 2 --second-lives 4"),
    Row("lives", "onboarded again, many", MANY + " --deleted-devices 10 --silent-deletes 10 --second-lives 20"),
    Row("lives", "again before unregistered", SMALL + " --deleted-devices 3 --second-lives 3 --early-lives 3"),
    Row("lives", "again at 0, announced later", SMALL + " --restarts 1"),
    Row("lives", "again at 0, never announced", SMALL + " --restarts 2", twice),
    Row("lives", "cloud-to-cloud", SMALL + " --c2c 5 --deleted-devices 2"),
    Row("lives", "registrations lost", MANY + " --lost-registrations 0.5"),
    Row("lives", "registrations lost, two lives", MANY +
        " --lost-registrations 0.5 --deleted-devices 10 --silent-deletes 10 --second-lives 20"),
    Row("lives", "no registrations at all", SMALL + " --registrations=false"),
    Row("forks", "store restored", SMALL + " --backup-at 0.3 --restore-at 0.6", twice),
    Row("forks", "store restored, owners not", SMALL + " --backup-at 0.1 --restore-at 0.6 --restore-owners=false",
        twice),
    Row("forks", "restored to long ago", MANY + " --backup-at 0.2 --restore-at 0.8", twice),
    Row("forks", "restored over new lives", MANY +
        " --backup-at 0.6 --restore-at 0.9 --deleted-devices 8 --silent-deletes 8 --second-lives 12", twice),
    Row("forks", "restored, and they go on", MANY + LIVES + " --backup-at 0.6 --restore-at 0.85 --risen-go-on", twice),
    Row("forks", "a crash", SMALL + " --crashes 1", twice),
    Row("forks", "crashes", SMALL + " --crashes 4", twice),
    Row("forks", "crashes, two lives", MANY +
        " --crashes 3 --deleted-devices 8 --silent-deletes 8 --second-lives 12", twice),
    Row("forks", "again at 0, device lives", SMALL + " --resets 3", twice),
    Row("meanwhile", "nothing but losses", MANY, by_and_by),
    Row("meanwhile", "two lives", MANY + LIVES, by_and_by),
    Row("meanwhile", "again at 0", SMALL + " --restarts 4", by_and_by),
    Row("meanwhile", "store restored", SMALL + " --backup-at 0.3 --restore-at 0.6", by_and_by),
    Row("meanwhile", "store restored, seen before", SMALL + " --backup-at 0.5 --restore-at 0.8", by_and_by),
    Row("meanwhile", "crashes", SMALL + " --crashes 4", by_and_by),
    Row("meanwhile", "resets", SMALL + " --resets 4", by_and_by),
    Row("meanwhile", "commands", SMALL + " --forced 0.05 --forced-later 0.1 --bursts 0.1", by_and_by),
    Row("meanwhile", "older hub, upgraded", SMALL + " --regime older --upgrade-at 0.6", by_and_by),
    Row("meanwhile", "all of it", MANY + LIVES + " --crashes 2 --resets 1 --restarts 2 --c2c 2 --forced 0.03"
        " --lost-registrations 0.2 --duplicates 0.02 --malformed 3 --bursts 0.05 --split --ghosts 5", by_and_by),
    Row("writers", "out of order", SMALL + " --swapped 0.2"),
    Row("writers", "clocks of two replicas", SMALL + " --swapped 0.2 --replica-clock 2s --bursts 0.1"),
    Row("writers", "late by minutes", SMALL + " --delayed 0.2 --delay 10m"),
    Row("writers", "outages", SMALL + " --outages 3 --outage-time 1h"),
    Row("writers", "outages, two lives, a restore", MANY + " --outages 3 --swapped 0.1 --delayed 0.1 --duplicates 0.05"
        " --deleted-devices 5 --silent-deletes 5 --second-lives 8 --backup-at 0.3 --restore-at 0.4", twice),
    Row("writers", "late, audited meanwhile", SMALL + LATE, under_way, settle="10m"),
    Row("writers", "late, hub's clock behind", SMALL + LATE + " --hub-clock -20m", under_way, settle="10m"),
    Row("writers", "late, hub's clock far behind", SMALL + LATE + " --hub-clock -3h", under_way, settle="10m"),
    Row("writers", "late, hub's clock ahead", SMALL + LATE + " --hub-clock 20m", under_way, settle="10m"),
    Row("writers", "late, hub's clock far ahead", SMALL + LATE + " --hub-clock 3h", under_way, settle="10m"),
    Row("writers", "clocks of replicas, two lives", MANY + LIVES + " --replica-clock 2s --swapped 0.1"),
    Row("writers", "duplicates", SMALL + " --duplicates 0.1 --late 0.1"),
    Row("commands", "forced commands", SMALL + " --forced 0.1"),
    Row("commands", "forced commands, again", SMALL + " --forced 0.05 --forced-later 0.1"),
    Row("commands", "links lost", SMALL + " --lost-links 0.3"),
    Row("commands", "links lost, forced commands", MANY + " --lost-links 0.3 --forced 0.05 --forced-later 0.1"),
    Row("commands", "unlinking lost, forced commands",
        "--events 6000 --devices 60 --lost 0.05 --lost-links 0.5 --forced-later 0.3"),
    Row("commands", "links late, forced commands", MANY + " --late-links 0.5 --delay 5h --forced 0.05 --forced-later 0.1"),
    Row("commands", "many events in a save", SMALL + " --bursts 0.2"),
    Row("store", "split documents and ghosts", SMALL + " --split --ghosts 20"),
    Row("store", "only inactive documents", SMALL + " --inactive 3"),
    Row("store", "no truncation", SMALL + " --truncate failing"),
    Row("store", "truncated now and then", SMALL + " --truncate sometimes"),
    Row("store", "older hub", SMALL + " --regime older"),
    Row("store", "hub upgraded", SMALL + " --regime older --upgrade-at 0.5 --old-subjects 0.3 --forced 0.05"),
    Row("store", "old subjects", SMALL + " --old-subjects 0.5 --leadrt"),
    Row("messages", "larger than max_payload", SMALL + " --oversized 2"),
    Row("messages", "malformed", SMALL + " --malformed 9"),
    Row("stream", "purged from the front", SMALL, purged),
    Row("stream", "purged from the front, c2c", SMALL + " --c2c 6 --deleted-devices 3", purged),
    Row("stream", "purged, two lives", MANY + LIVES, purged),
    Row("stream", "purged between snapshots", SMALL, purged_between, incomplete=True),
    Row("stream", "purged between, two lives", MANY + LIVES,
        purged_between, incomplete=True),
    Row("stream", "purged, events just before", SMALL + " --lost-registrations 0.5 --c2c 4 --hub-clock -3m", purged, ago=2,
        only_false=True),
    Row("stream", "purged when archived", SMALL, purged_behind),
    Row("stream", "limited per subject", SMALL, limited, incomplete=True),
    Row("stream", "single messages deleted", SMALL, deleted, incomplete=True),
    Row("stream", "deleted and made again", SMALL, made_again),
    Row("stream", "made again too soon", "--events 1500 --devices 10 --lost 0.02 --span 4s", made_again_too_soon, settle="3s",
        incomplete=True, only_false=True),
    Row("stream", "an older backup restored", SMALL, restored),
    Row("stream", "a backup restored", SMALL, repeated),
    Row("stream", "rolled back", SMALL, rolled_back, incomplete=True),
    Row("all", "all at once", MANY + " --backup-at 0.5 --restore-at 0.6 --crashes 2 --resets 1 --restarts 2 --c2c 2"
        " --deleted-devices 3 --silent-deletes 3 --second-lives 4 --forced 0.03 --forced-later 0.03 --lost-links 0.1"
        " --lost-registrations 0.2 --duplicates 0.02 --late 0.02 --malformed 3 --swapped 0.05 --delayed 0.05"
        " --outages 1 --bursts 0.05 --split --ghosts 5 --inactive 2", twice, only_false=True),
    Row("all", "losses of anything", MANY + " --lose-all"),
    Row("all", "losses of anything, lives", MANY +
        " --lose-all --deleted-devices 8 --silent-deletes 8 --second-lives 12"),
    Row("all", "within minutes", MANY + LIVES + " --span 10m --crashes 2 --restarts 2 --resets 2 --replica-clock 2s --swapped 0.05",
        twice, only_false=True),
    Row("all", "losses of anything, all at once", MANY + LIVES + " --lose-all --backup-at 0.4 --restore-at 0.6 --crashes 2"
        " --restarts 3 --resets 3 --c2c 3 --lost-registrations 0.3 --lost-links 0.1 --late 0.05 --duplicates 0.05", twice),
    Row("all", "losses of anything, forks", MANY + " --lose-all --backup-at 0.4 --restore-at 0.6 --crashes 2", twice),
]


def try_row(row, seed):
    trial = Trial(row, seed)
    began = time.monotonic()
    try:
        try:
            row.play(trial)
            summary = trial.summary()
        except (Trouble, subprocess.TimeoutExpired) as trouble:
            trial.wrong.append(str(trouble))
            summary = "-"
        return trial.wrong, summary, time.monotonic() - began, trial.explain() if trial.explaining else []
    finally:
        trial.close()


def main():
    parser = argparse.ArgumentParser(description="traps beside what an audit makes of them")
    parser.add_argument("--group", action="append", help="only these groups")
    parser.add_argument("--seeds", type=int, default=1, help="histories of each row")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--keep", action="store_true", help="leave the files of each row behind")
    parser.add_argument("--explain", action="store_true", help="let evtrail explain what was wrong")
    parser.add_argument("names", nargs="*", help="only these rows")
    options = parser.parse_args()
    Trial.keep = options.keep
    Trial.explaining = options.explain
    rows = [x for x in TABLE if (not options.group or x.group in options.group) and
            (not options.names or x.name in options.names)]
    if not rows:
        parser.error("no such row")
    failed = 0
    print("%-31s %4s %-5s %5s  %s" % ("trap", "seed", "holds", "s", "verdicts, expected/found"), flush=True)
    for row in rows:
        for seed in range(options.seed, options.seed + options.seeds):
            wrong, summary, seconds, told = try_row(row, seed)
            print("%-31s %4d %-5s %5.1f  %s" % (row.name, seed, "no" if wrong else "yes", seconds, summary))
            if seed == options.seed:
                print("%-47s  loadgen %s" % ("", row.dose))
            for text in wrong:
                print("%-47s  WRONG %s" % ("", text))
            for text in told:
                print(text)
            sys.stdout.flush()
            failed += bool(wrong)
    print("traps: %d histories, %d of them wrong" % (len(rows) * options.seeds, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
