#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The log of measure.py as a table on stdout and as JSON in a file.

    table.py LOG JSON-FILE

A ratio is made of the two commands of one round, and the median of all rounds
is compared with the goal; the spread stands beside it.  A goal that is not met
is said, and is no failure: the machine may be busy.  A wrong result is one:
exit status 1.
"""
import json
import sys
from statistics import median

MIB = 1024 * 1024
MEMORY_KIB = 128 * 1024


def rate(ours, peer):
    return peer / ours


def time(ours, peer):
    return ours / peer


def nightly(ours, peer):
    return ours / (0.03 * peer + 0.1)


# row, what, against what, run of ours, run of the peer, ratio, goal
PAIRS = [
    ("1", "snapshot: rate", "bare nats.c ordered consumer", "snapshot", "consumer", rate, ">=", 0.8),
    ("2", "snapshot: time, read-back included", "nats backup stream", "snapshot", "backup", time, "<=", 1.8),
    ("3", "snapshot of 1 % new: time", "3 % of nats backup stream + 100 ms", "nightly", "backup", nightly, "<=", 1.0),
    ("4", "verify: time", "nats backup validate", "verify", "validate", time, "<=", 1.0),
    ("5", "audit, nothing changed: time", "bare libmongoc scan", "audit", "scan", time, "<=", 1.2),
    ("6", "first audit: time", "the same audit in Python (tests/oracle)", "first_audit", "oracle", time, "<=", 0.1),
    ("6", "first audit: time", "a lean join in Python, without reasons", "first_audit", "join", time, "<=", 0.1),
]
BYTES = ("2", "archives of the {} recordings: bytes", "nats backup stream", "<=", 0.9)
MEMORY = ["snapshot", "nightly", "verify", "cat", "audit", "first_audit", "first_audit_wide", "audit_many_findings"]
WORDS = {
    "nightly": "snapshot of 1 % new", "audit": "audit, nothing changed", "first_audit": "first audit",
    "first_audit_wide": "first audit, {aggregates} aggregates",
    "audit_many_findings": "first audit, {many_findings} findings",
}


def met(value, sign, goal):
    return value >= goal if sign == ">=" else value <= goal


class Log:
    def __init__(self, path):
        self.runs, self.notes, self.wrong = {}, {}, []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                if entry["name"] == "wrong":
                    self.wrong.append(entry["value"])
                elif "value" in entry:
                    self.notes[entry["name"]] = entry["value"]
                else:
                    self.runs.setdefault(entry["name"], []).append(entry)

    def seconds(self, name):
        """Of each round."""
        return {run["round"]: run["seconds"] for run in self.runs.get(name, [])}

    def cpu_seconds(self, name):
        return median(run["cpu_seconds"] for run in self.runs[name])

    def noted(self, name):
        """A count, as it is written in a text."""
        value = self.notes.get(name)
        return f"{value:,}" if isinstance(value, int) else str(value)


def pair_rows(log):
    for row, what, against, ours, peer, ratio_of, sign, goal in PAIRS:
        result = {"row": row, "what": what, "against": against, "goal": f"{sign} {goal}"}
        a, b = log.seconds(ours), log.seconds(peer)
        rounds = sorted(a.keys() & b.keys())
        if rounds:
            ratios = [ratio_of(a[k], b[k]) for k in rounds]
            result |= {"ours_s": [a[k] for k in rounds], "peer_s": [b[k] for k in rounds],
                       "ours_cpu_s": log.cpu_seconds(ours), "peer_cpu_s": log.cpu_seconds(peer), "ratios": ratios,
                       "ratio": median(ratios), "met": met(median(ratios), sign, goal)}
        else:
            result["reason"] = log.notes.get(f"reason_{row}", "not run")
        yield result


def bytes_rows(log):
    """One row: of all recordings together, the spread is theirs."""
    row, what, against, sign, goal = BYTES
    pairs = {name.removeprefix("bytes_"): pair for name, pair in log.notes.items() if name.startswith("bytes_")}
    if pairs:
        ours, peer = (sum(pair[side] for pair in pairs.values()) for side in (0, 1))
        yield {"row": row, "what": what.format(len(pairs)), "against": against, "goal": f"{sign} {goal}",
               "recordings": pairs, "ours_bytes": ours, "peer_bytes": peer,
               "ratios": [a / b for a, b in pairs.values()], "ratio": ours / peer, "met": met(ours / peer, sign, goal)}


def memory_rows(log):
    words = {name: log.noted(name) for name in ("aggregates", "many_findings")}
    for name in MEMORY:
        peaks = [run["rss_kib"] for run in log.runs.get(name, [])]
        if peaks:
            yield {"row": "memory", "what": WORDS.get(name, name).format(**words), "against": "",
                   "goal": f"<= {MEMORY_KIB // 1024} MiB", "peak_kib": max(peaks), "met": max(peaks) <= MEMORY_KIB}


def cells(row):
    """Of the table: row, what, against, ours, peer, ratio, goal, verdict."""
    ours = peer = ratio = ""
    if "ours_s" in row:
        ours, peer = (f"{median(row[side]):.3f} s" for side in ("ours_s", "peer_s"))
    elif "ours_bytes" in row:
        ours, peer = (f"{row[side] / MIB:.3f} MiB" for side in ("ours_bytes", "peer_bytes"))
    elif "peak_kib" in row:
        ours = f"{row['peak_kib'] / 1024:.1f} MiB"
    if "ratios" in row:
        ratio = f"{row['ratio']:.3f} ({min(row['ratios']):.3f}-{max(row['ratios']):.3f})"
    verdict = row["reason"] if "reason" in row else "met" if row["met"] else "NOT MET"
    return row["row"], row["what"], row["against"], ours, peer, ratio, row["goal"], verdict


def print_table(head, rows):
    lines = [("", "what", "against", "ours", "peer", "ratio (spread)", "goal", "")] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print(head)
    for line in lines:
        # Numbers to the right.
        print("  ".join(cell.rjust(width) if 3 <= i <= 5 else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def main():
    log = Log(sys.argv[1])
    rows = list(pair_rows(log))
    # Behind the other row of its number.
    rows[2:2] = bytes_rows(log)
    rows.append({"row": "7", "what": "backfill apply: rate", "against": "bare js_PublishAsync loop", "goal": ">= 0.3",
                 "reason": "not yet"})
    rows += memory_rows(log)
    head = (f"evtrail bench: {log.noted('messages')} messages, {log.notes['rounds']} rounds, "
            f"{log.notes['processors']} processors, load {log.notes['load']} at the start")
    print_table(head, rows)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump({"notes": log.notes, "rows": rows, "wrong": log.wrong}, out, indent=1)
        out.write("\n")
    for words in log.wrong:
        print("WRONG:", words)
    sys.exit(bool(log.wrong))


if __name__ == "__main__":
    main()
