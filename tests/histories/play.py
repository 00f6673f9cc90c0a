# SPDX-License-Identifier: Apache-2.0
"""Plays one history: a hub in miniature writes stream and store, evtrail audits them, the oracle judges the audits."""
import json
import os
import shlex
import shutil
import subprocess

import dump
import oracle
import rules
import story
import stream
from hub import SECOND, Hub

HERE = os.path.dirname(os.path.abspath(__file__))


class Audit:
    """What came out of one."""

    def __init__(self, status, report, findings):
        self.status, self.report, self.findings = status, report, findings
        self.counts = report["counts"]

    def keys(self, *codes):
        return {(f["aggregate_id"], f["version"], f["lost_deleted"]) for f in self.findings if f["code"] in codes}


class Player:
    def __init__(self, program, folder):
        self.program, self.folder, self.runs = program, folder, 0
        self.exact = 0  # audits that the rules decide exactly
        self.clock = os.path.join(folder, "clock.so")
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-O1", "-o", self.clock,
                        os.path.join(HERE, "clock.c"), "-ldl"], check=True)

    def audit(self, state, view, history, *words):
        """An Audit, or the words of what went wrong."""
        findings = os.path.join(self.folder, "findings")
        store = os.path.join(self.folder, "devices_events.bson")
        dump.write(store, view.documents)
        if os.path.exists(findings):
            os.remove(findings)
        words = ["--config", os.devnull, "--state", state, "--json", "audit", "--no-snapshot", "--store", "dump:" + store,
                 "--settle", "%ds" % history["settle"], "--findings", findings, *words]
        run = subprocess.run([self.program, *words], capture_output=True, check=False,
                             env={"LD_PRELOAD": self.clock, "HISTORIES_NOW": str(view.now), "MONGOC_DISABLE_SHM": "1"})
        self.runs += 1
        if run.returncode not in (0, 1, 5):
            return "exit status %d: %s" % (run.returncode, run.stderr.decode().strip())
        lines = []
        if os.path.exists(findings):
            with open(findings, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
        return Audit(run.returncode, json.loads(run.stdout), lines)

    def fresh(self, name):
        """A state with nothing in it."""
        state = os.path.join(self.folder, name)
        shutil.rmtree(state, ignore_errors=True)
        return state

    def play(self, history):
        """What is wrong, as (kind, words)."""
        hub = Hub(history)
        identities = stream.identities_of(hub, history)
        state, before = self.fresh("state"), []
        archives = stream.Archives(state)
        for view in hub.views:
            there = stream.until(identities, view.now)
            archives.extend(there, history["cuts"])
            audit = self.audit(state, view, history)
            if isinstance(audit, str):
                return [("runs", audit)]
            wrong = self.look(history, view, there, audit, before)
            if wrong:
                return wrong
            before.append((view, audit))
        if (len(before) > 1 or history["cuts"]) and view.documents:
            return [("order", words) for words in self.otherwise(identities, view, history, audit, len(before) > 1)]
        return []

    def look(self, history, view, there, audit, before):
        if not view.documents or not there:
            return [] if audit.status == 5 else [("consistent", "nothing to compare, and exit status %d" % audit.status)]
        truth = oracle.Truth(view, there, history)
        world = rules.World(there, view.documents, history["settle"] * SECOND, stream.rows_of, oracle.calm(history),
                            oracle.noted(view, history, [one for one, _ in before]), bool(before))
        wrong = [("sound", words) for words in oracle.sound(truth, audit.findings, [one for _, one in before])]
        wrong += [("complete", words) for words in oracle.complete(truth, world, audit.report)]
        wrong += [("consistent", words) for words in oracle.consistent(audit.report, there, audit.status)]
        equal = oracle.equal(truth, world, audit.report, audit.findings, history, bool(before))
        self.exact += equal is not None
        return wrong + [("equal", words) for words in equal or []]

    def otherwise(self, identities, view, history, audit, memory):
        """The same records as one archive for each identity, in a state of its own, and --split.

        Nothing else comes out. With a memory of earlier audits, what was in flight can be judged sooner, what is ahead
        be lost, and what is gone from the store be recoverable; the losses are the same."""
        state = self.fresh("other")
        stream.Archives(state).extend(stream.until(identities, view.now), [])
        other = self.audit(state, view, history, "--split")
        if isinstance(other, str):
            return [other]
        wrong = []
        if other.counts["matched"] + other.counts["truncated"] != other.counts["covered"]:
            wrong.append("matched and truncated are not covered")
        if memory:
            return wrong + oracle.remembered(audit, other)
        for name, count in audit.counts.items():
            if name not in ("matched", "truncated") and count != other.counts[name]:
                wrong.append("%s: %s in several archives, %s in one" % (name, count, other.counts[name]))
        if sorted(map(str, audit.findings)) != sorted(map(str, other.findings)):
            wrong.append("other findings when the same records stand in one archive")
        if audit.status != other.status:
            wrong.append("exit status %d in several archives, %d in one" % (audit.status, other.status))
        return wrong

    def tell(self, history):
        """The history and its last audit, for people."""
        hub = Hub(history)
        identities = stream.identities_of(hub, history)
        state, lines = self.fresh("state"), [story.tell(hub, identities)]
        archives = stream.Archives(state)
        hrefs = {save.aggregate: story.name_of(save.device) + save.href for save in hub.saves}
        for view in hub.views:
            archives.extend(stream.until(identities, view.now), history["cuts"])
            audit = self.audit(state, view, history)
            if isinstance(audit, str):
                return "\n".join(lines + [audit])
            lines.append("audit at %s: %s, exit status %d" % (story.clock(view.now), audit.report["verdict"], audit.status))
            lines.append("  %s" % {name: count for name, count in audit.counts.items() if count})
            for finding in audit.findings:
                lines.append("  %s %s@%s %s%s" % (finding["code"], hrefs.get(finding["aggregate_id"]), finding["version"],
                                                  finding["recoverable"] or "", " (deleted)" if finding["lost_deleted"] else ""))
        return "\n".join(lines + ["wrong:"] + ["  %s: %s" % one for one in self.play(history)])
