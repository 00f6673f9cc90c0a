#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Audits of made-up histories against an oracle of their own.

    run.py [--examples N] [--seed N] [--jobs N] EVTRAIL
    run.py --tell FILE EVTRAIL

First the frozen samples (samples/*.json), each of which once showed something; then N new histories made by
hypothesis, the same ones for the same seed and number of jobs. A failure is shrunk, shown, and written beside the
samples (--samples: elsewhere), where it stays until someone gives it a sentence or removes it. --tell shows a
sample in lines: what was saved, what the stream shows, what the store has, what the audit says.
"""
import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile

from hypothesis import HealthCheck, given, seed, settings

from history import histories
from play import Player

HERE = os.path.dirname(os.path.abspath(__file__))


class Wrong(AssertionError):
    pass


# One class for each kind of failure: each is shrunk by itself.
KINDS = {kind: type(kind, (Wrong,), {}) for kind in ("runs", "sound", "complete", "consistent", "equal", "order")}


def show(wrong):
    return "\n".join("  %s: %s" % one for one in wrong[:10])


def replay(program, folder):
    """The frozen samples; how many there are and how many fail."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json")) if os.path.isdir(folder) else []
    failed, scratch = 0, tempfile.mkdtemp(prefix="histories-")
    player = Player(program, scratch)
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            sample = json.load(file)
        wrong = player.play(sample["history"])
        if wrong:
            failed += 1
            print("%s (%s):\n%s" % (name, sample["shows"], show(wrong)))
    shutil.rmtree(scratch)
    return len(names), failed


def search(program, examples, number, results):
    """One job: that many histories; minimal failing ones go into the queue."""
    folder = tempfile.mkdtemp(prefix="histories-")
    player, found = Player(program, folder), {}

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, print_blob=False,
              suppress_health_check=list(HealthCheck))
    @given(histories())
    def every_audit_is_right(history):
        wrong = player.play(history)
        if wrong:
            kind = wrong[0][0]
            text = json.dumps(history)
            if kind not in found or len(text) < len(json.dumps(found[kind][0])):
                found[kind] = (history, wrong)
            raise KINDS[kind](show(wrong))

    try:
        every_audit_is_right()
    except (Wrong, ExceptionGroup):
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.put((player.runs, player.exact, list(found.values())))


def freeze(folder, history, wrong):
    """A sample of its own; in the current folder where that one cannot be written."""
    name = hashlib.sha256(json.dumps(history, sort_keys=True).encode()).hexdigest()[:12]
    path = os.path.join(folder if os.access(folder, os.W_OK) else ".", "found-%s.json" % name)
    shows = "not explained yet: " + "; ".join("%s: %s" % one for one in wrong[:3])
    lines = ["{", ' "shows": %s,' % json.dumps(shows), ' "history": {']
    for key, value in history.items():
        text = json.dumps(value) if key != "ops" else "[\n%s\n  ]" % ",\n".join("   " + json.dumps(op) for op in value)
        lines.append('  "%s": %s,' % (key, text))
    lines[-1] = lines[-1].rstrip(",")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + [" }", "}"]) + "\n")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--samples", default=os.path.join(HERE, "samples"))
    parser.add_argument("--tell", metavar="FILE")
    parser.add_argument("evtrail")
    args = parser.parse_args()
    program = os.path.abspath(args.evtrail)
    if args.tell:
        folder = tempfile.mkdtemp(prefix="histories-")
        with open(args.tell, encoding="utf-8") as file:
            print(Player(program, folder).tell(json.load(file)["history"]))
        shutil.rmtree(folder)
        return 0
    samples, failed = replay(program, args.samples)
    print("%d frozen histories, %d wrong" % (samples, failed), flush=True)
    results = multiprocessing.Queue()
    jobs = [multiprocessing.Process(target=search, args=(program, -(-args.examples // args.jobs), args.seed * 1000 + i, results))
            for i in range(args.jobs)]
    for job in jobs:
        job.start()
    ends = [results.get() for _ in jobs]
    for job in jobs:
        job.join()
    found = [one for end in ends for one in end[2]]
    for history, wrong in found:
        print("%s:\n%s\n  %s" % (freeze(args.samples, history, wrong), show(wrong), json.dumps(history)))
    print("%d new histories, seed %d, %d jobs: %d audits; %d histories that the rules decide exactly; %d ways to be wrong" % (
        args.examples, args.seed, args.jobs, sum(end[0] for end in ends), sum(end[1] for end in ends), len(found)))
    return 1 if failed or found else 0


if __name__ == "__main__":
    sys.exit(main())
