#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one command of the benchmarks and appends what it took to a log.

    measure.py --log FILE run [--round N] [--status N]... [--out FILE] NAME COMMAND...
    measure.py --log FILE note NAME VALUE

Of a run: wall time of the whole process and the peak of its resident memory
(wait4; below some 15 MiB it is this program's own).  The command's output goes
to --out; its exit status must be one of --status (default: 0).  A note is a
number that was measured otherwise, or words.  The log has one JSON object a
line; table.py reads it.
"""
import argparse
import json
import os
import subprocess
import sys
import time


def run(options):
    # What others wrote before must not be flushed inside this run.
    os.sync()
    with open(options.out, "wb") as out:
        began = time.perf_counter()
        # No threads here, and nothing but this waits for it: Popen stays unaware of the end.
        child = subprocess.Popen(options.command, stdin=subprocess.DEVNULL, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (options.status or [0]):
        sys.exit(f"measure: exit status {child.returncode}: {' '.join(options.command)}")
    return {"name": options.name, "round": options.round, "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime, "rss_kib": usage.ru_maxrss}


def note(options):
    try:
        return {"name": options.name, "value": json.loads(options.value)}
    except ValueError:
        return {"name": options.name, "value": options.value}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--log", required=True)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("run")
    verb.add_argument("--round", type=int, default=1)
    verb.add_argument("--status", type=int, action="append")
    verb.add_argument("--out", default=os.devnull)
    verb.add_argument("name")
    verb.add_argument("command", nargs=argparse.REMAINDER)
    verb = verbs.add_parser("note")
    verb.add_argument("name")
    verb.add_argument("value")
    options = parser.parse_args()
    entry = run(options) if options.verb == "run" else note(options)
    with open(options.log, "a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    main()
