#!/usr/bin/env python3
"""compare.py RECDIR FINDINGS COUNTS: is this what the audit had to find?

Compares the lost findings (NDJSON) with RECDIR/lost.jsonl by (aggregate,
version, recoverable), and the counts (JSON) with RECDIR/expected.json.
Exit status 0 only when both are equal, 1 when they are not, 2 on usage."""
import json
import os
import sys
from collections import Counter

SHOWN = 10
# nobody can know it from outside
NOT_JUDGED = {"unprovable_true_losses"}
# what expected.json leaves out must be 0
ZERO = ("foreign", "malformed", "in_flight", "before_horizon", "unverifiable_gap",
        "lost_in_gap", "undecided", "forked", "ahead", "differs")


def lines(path):
    with open(path) as f:
        return [json.loads(x) for x in f if x.strip()]


def main():
    if len(sys.argv) != 4:
        print("usage: compare.py RECDIR FINDINGS COUNTS", file=sys.stderr)
        return 2
    rec, findings, counts = sys.argv[1:]
    truth = lines(os.path.join(rec, "lost.jsonl"))
    want = Counter((x["aggregate_id"], x["version"], x["recoverable"]) for x in truth)
    about = {(x["aggregate_id"], x["version"]): x for x in truth}
    got = Counter((x["aggregate_id"], x["version"], x["recoverable"])
                  for x in lines(findings) if x["code"] == "lost")
    bad = 0
    for name, diff in (("missed", want - got), ("false", got - want)):
        for i, (a, v, r) in enumerate(sorted(diff.elements())):
            bad += 1
            if i < SHOWN:
                x = about.get((a, v), {})
                print("%s: %s@%d %s %s %s" % (name, a, v, r, x.get("true_type", ""),
                                              x.get("why_provable", "")))
    with open(os.path.join(rec, "expected.json")) as f:
        expected = json.load(f)
    with open(counts) as f:
        have = json.load(f)
    for k in sorted(set(expected) - NOT_JUDGED):
        if have.get(k, 0) != expected[k]:
            bad += 1
            print("count %s: %s, expected %s" % (k, have.get(k, 0), expected[k]))
    for k in sorted(set(ZERO) | {k for k in have if k.startswith("recoverable_")}):
        if k not in expected and have.get(k, 0):
            bad += 1
            print("count %s: %s, expected none" % (k, have[k]))
    print("%s: %d of %d lost, %s" % (os.path.basename(os.path.normpath(rec)),
                                     sum((want & got).values()), sum(want.values()),
                                     "equal" if not bad else "%d differences" % bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
