# SPDX-License-Identifier: Apache-2.0
"""One history of traps.py: how it is made, audited and compared with its truth."""
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta, timezone

SERVERS = os.environ["EVTRAIL_SERVERS"]
NATS = os.environ["NATS_URL"]
MONGO = os.environ["MONGO_URI"]
PROGRAM = os.environ["EVTRAIL"]
LIMIT = 120
EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)

FINDINGS = ("lost", "lost_in_gap", "store_lost", "forked", "malformed_message", "malformed_document")
# None of these where the truth does not name them.
UNWANTED = ("foreign", "malformed_message", "malformed_document", "in_flight", "before_horizon",
            "unverifiable_gap", "lost_in_gap", "unannounced", "undecided", "forked", "ahead", "store_lost",
            "differs")
SHOWN = ("lost", "lost_in_gap", "forked", "ahead", "store_lost", "malformed_message", "undecided",
         "unverifiable_gap", "before_horizon", "in_flight", "unannounced", "deleted_device", "duplicate")
# From the worst on.
FORMS = ("superseded", "snapshot", "rebuilt", "exact")


class Trouble(Exception):
    """What keeps a row from being tried at all."""


def run(*command, wanted=(0,)):
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    if wanted is not None and done.returncode not in wanted:
        raise Trouble("%s: exit status %d: %s" % (os.path.basename(command[0]), done.returncode,
                                                  (done.stderr or done.stdout).strip()[-300:]))
    return done


def nats(*arguments):
    return run(os.path.join(SERVERS, "nats"), "--server", NATS, *arguments).stdout


def lines(path):
    with open(path) as f:
        return [json.loads(x) for x in f if x.strip()]


def subjects(path):
    """Of the messages, in order."""
    with open(path, "rb") as f:
        data = f.read()
    found, at = [], 0
    while at < len(data):
        for part in range(2):
            length = shift = 0
            while data[at] & 128:
                length |= (data[at] & 127) << shift
                shift += 7
                at += 1
            length |= data[at] << shift
            at += 1
            if part == 0:
                found.append(data[at:at + length].decode())
            at += length
    return found


class Truth:
    """What loadgen says of a history."""

    def __init__(self, folder):
        self.lost = lines(os.path.join(folder, "lost"))
        self.unprovable = lines(os.path.join(folder, "unprovable"))
        self.told = lines(os.path.join(folder, "truth"))
        with open(os.path.join(folder, "expected")) as f:
            self.counts = json.load(f)
        # Where something can be judged the one way or the other most counts are not told.
        self.whole = "lost" in self.counts

    def forked(self):
        """A finding for each aggregate, whatever its first version."""
        return Counter({x["aggregate_id"]: 1 for x in self.told if x["kind"] == "forked"})

    def store_lost(self):
        return Counter((x["aggregate_id"], x["version"]) for x in self.told if x["kind"] == "store_lost")


class Trial:
    """One row with one seed: its history, a state of its own, and the audits of it."""

    number = 0
    keep = False
    explaining = False

    def __init__(self, row, seed, beside=None):
        """beside: of another trial's servers, with a state of its own."""
        Trial.number += 1
        self.row = row
        self.seed = seed
        self.folder = tempfile.mkdtemp(prefix="trap-")
        self.db = beside.db if beside else "trap%d_%d" % (os.getpid(), Trial.number)
        self.nats = NATS
        self.wrong = []
        self.doubted = {}  # (aggregate, version) of what was wrong
        self.random = random.Random(seed)
        self.best = {}  # of each lost event, what an audit could save of it until now
        self.audits = 0
        self.start = self.start_so_that(timedelta(seconds=-row.ago))

    def close(self):
        run(os.path.join(SERVERS, "nats"), "--server", NATS, "stream", "rm", "EVENTS", "-f", wanted=None)
        if self.keep:
            print("kept: %s" % self.folder)
        else:
            shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start_so_that(self, newest_is, *options):
        """When the history begins, so that its last event is so much later than now. The stream's times are those of
        the run: where the events are some hours older, the clocks tell nothing of when they were published."""
        dose = re.sub(r"--hub-clock \S+", "", self.row.dose).split()
        told = run(os.path.join(SERVERS, "loadgen"), "--seed", str(self.seed), "--start-time", EPOCH.isoformat(),
                   *dose, *options).stderr
        newest = datetime.fromisoformat(re.search(r"events up to (\S+?)(\.\d+)?Z", told).group(1) + "+00:00")
        return (datetime.now(timezone.utc) + newest_is - (newest - EPOCH)).isoformat()

    def events(self, share):
        """The option that ends the history after this share of its events."""
        return "--stop", str(int(int(self.row.dose.split("--events ")[1].split()[0]) * share))

    def loadgen(self, *options, publish=True, store=True):
        """The same history each time; the truth of the last call counts. Returns how many messages there were."""
        command = [os.path.join(SERVERS, "loadgen"), "--seed", str(self.seed), "--start-time", self.start,
                   *self.row.dose.split(), *options]
        for name in ("messages-out", "lost-out", "unprovable", "expected", "truth"):
            command += ["--" + name, self.path(name.replace("-out", ""))]
        if publish:
            command += ["--nats", self.nats]
        if store:
            command += ["--mongo", MONGO, "--db", self.db, "--replace"]
        told = run(*command).stderr
        self.truth = Truth(self.folder)
        return int(re.search(r", (\d+) messages", told).group(1))

    def evtrail(self, verb, *options, wanted=(0, 1, 5)):
        return run(PROGRAM, "--state", self.path("state"), "--nats-url", self.nats, "--mongo-uri", MONGO,
                   "--mongo-db", self.db, "--json", verb, *options, wanted=wanted)

    def audit(self):
        self.audits += 1
        findings = self.path("findings%d" % self.audits)
        done = self.evtrail("audit", "--split", "--findings", findings, "--settle", self.row.settle)
        self.status = done.returncode
        self.report = json.loads(done.stdout)
        self.findings = lines(findings)
        self.counts = {k: v or 0 for k, v in self.report["counts"].items() if not isinstance(v, dict)}

    def found(self, code):
        """A finding may be a run of versions."""
        return Counter((x["aggregate_id"], version) for x in self.findings if x["code"] == code
                       for version in range(x["version"], x.get("last_version", x["version"]) + 1))

    def differ(self, what, items):
        items = sorted(items.elements(), key=str)
        if items:
            self.doubted.update({x[:2]: None for x in items if isinstance(x, tuple)})
            self.wrong.append("audit %d: %s: %d, as %s" % (self.audits, what, len(items), items[0]))

    def check_losses(self):
        """Of young ones that are missing an audit may say that they are on their way, or, where their times are in the
        future, that nobody knows."""
        proved = Counter((x["aggregate_id"], x["version"]) for x in self.truth.lost)
        possible = proved + Counter((x["aggregate_id"], x["version"]) for x in self.truth.unprovable
                                    if x["why"] != "late" or self.row.settle == "0s")
        found = self.found("lost")
        self.differ("false lost", found - possible)
        missed = proved - found
        excused = sum(self.counts.get(x, 0) for x in ("in_flight", "undecided")) if self.row.settle != "0s" else 0
        if not self.row.only_false and missed.total() > excused:
            self.differ("missed", missed)

    def check_forms(self):
        """What was saved of a loss when it was first seen counts as what the store still has."""
        wanted = Counter()
        for x in self.truth.lost:
            key = x["aggregate_id"], x["version"], x["true_sha256"]
            self.best[key] = max(self.best.get(key, "superseded"), x["recoverable"], key=FORMS.index)
            wanted[key[:2] + (self.best[key],)] += 1
        said = Counter((x["aggregate_id"], version, x["recoverable"]) for x in self.findings if x["code"] == "lost"
                       for version in range(x["version"], x.get("last_version", x["version"]) + 1))
        found = self.found("lost")
        self.differ("recoverable", Counter(x for x in wanted - said if found[x[:2]]))

    def check_others(self):
        """Where lives are tangled nobody can say what was forked and what the store lost."""
        if not self.truth.whole:
            return
        forked = Counter({aggregate: 1 for aggregate, _ in self.found("forked")})
        self.differ("false forked", forked - self.truth.forked())
        self.differ("missed forked", self.truth.forked() - forked)
        self.differ("false store_lost", self.found("store_lost") - self.truth.store_lost())

    def check_counts(self):
        have = dict(self.counts, aggregates=self.report["store"]["aggregates"])
        for name in sorted(self.expected):
            if name.startswith("recoverable_") or name == "unprovable_true_losses":
                continue
            if have.get(name, 0) != self.expected[name]:
                self.wrong.append("audit %d: %s %s, expected %s" %
                                  (self.audits, name, have.get(name, 0), self.expected[name]))
        for name in UNWANTED:
            if self.truth.whole and name not in self.expected and have.get(name, 0):
                self.wrong.append("audit %d: %s %s, expected none" % (self.audits, name, have[name]))

    def check_status(self):
        findings = any(self.counts.get(x, 0) for x in FINDINGS) or self.found("lost")
        incomplete = self.row.incomplete or self.counts.get("unverifiable_gap", 0)
        wanted = 5 if incomplete else 1 if findings else 0
        if self.status != wanted:
            self.wrong.append("audit %d: exit status %d, expected %d" % (self.audits, self.status, wanted))
        if self.report["sums_hold"] is not True:
            self.wrong.append("audit %d: the sums do not hold" % self.audits)

    def check(self, *unasked):
        """unasked: counts that the row is not about."""
        self.expected = {k: v for k, v in self.truth.counts.items() if k not in unasked}
        self.check_losses()
        if self.row.settle == "0s":
            self.check_forms()
        if self.row.settle == "0s" and not self.row.only_false:
            self.check_others()
            self.settle_ahead()
            self.settle_holes()
            self.check_counts()
        self.check_status()

    def settle_ahead(self):
        """What was ahead when an earlier audit saw it is lost by the store now; the sum of both is known."""
        seen = self.counts.get("store_lost", 0)
        if "ahead" in self.expected and self.audits > 1 and seen:
            self.expected["store_lost"] = seen
            self.expected["ahead"] -= seen

    def settle_holes(self):
        """Of what a hole took it cannot always be said whether it would have been withheld: it is one or the other."""
        if "unverifiable_gap" in self.expected:
            both = self.expected["unverifiable_gap"] + self.expected.get("undecided", 0)
            self.expected["undecided"] = self.counts.get("undecided", 0)
            self.expected["unverifiable_gap"] = both - self.expected["undecided"]

    def check_again(self):
        """The second audit that sees the same: what was ahead is lost by the store now."""
        self.audit()
        self.check()
        if self.truth.whole:
            self.differ("missed store_lost", self.truth.store_lost() - self.found("store_lost"))

    def explain(self, most=5):
        """What evtrail itself has to say of what was wrong."""
        told = []
        for aggregate, version in list(self.doubted)[:most]:
            done = run(PROGRAM, "--state", self.path("state"), "--nats-url", self.nats, "--mongo-uri", MONGO, "--mongo-db", self.db,
                       "audit", "--no-snapshot", "--settle", self.row.settle, "--explain", "%s@%d" % (aggregate, version), wanted=None)
            told.append(done.stdout + done.stderr)
        return told

    def summary(self):
        """The verdicts side by side: as expected / as found."""
        parts = []
        for name in SHOWN:
            found = self.counts.get(name, 0) if name != "lost" else self.found("lost").total()
            if name == "lost" and not self.truth.whole:
                wanted = "%d+%d" % (len(self.truth.lost), len(self.truth.unprovable))
            else:
                wanted = self.expected.get(name, 0) if self.truth.whole else "?"
            if found or wanted not in (0, "?"):
                parts.append("%s %s/%s" % (name, wanted, found))
        return ", ".join(parts) or "all covered"


class Server:
    """A nats-server of its own, for what cannot be done to a running one."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        os.mkdir(folder)

    def start(self):
        ports = tempfile.mkdtemp(dir=os.path.dirname(self.folder))
        self.process = subprocess.Popen([os.path.join(SERVERS, "nats-server"), "-a", "127.0.0.1", "-p", "-1", "-js",
                                         "-sd", self.folder, "--ports_file_dir", ports],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + LIMIT
        while time.monotonic() < until and self.process.poll() is None:
            for name in os.listdir(ports):
                with open(os.path.join(ports, name)) as f:
                    text = f.read()
                if text.endswith("}"):
                    return json.loads(text)["nats"][0]
            time.sleep(0.02)
        raise Trouble("nats-server does not start")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(LIMIT)
            self.process = None
