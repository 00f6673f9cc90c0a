# SPDX-License-Identifier: Apache-2.0
"""Histories made up by hypothesis: what a hub, its store and its stream went through. Plain JSON.

A history has a few traps only, drawn first: so each of them meets calm surroundings often, and failures
shrink to what matters.
"""
from hypothesis import strategies as st

import hub

TRAPS = ["loss", "late", "twice", "malformed", "lives", "recloud", "forks", "zero", "ghosts", "older", "upgrade",
         "commands", "links", "holes", "purge", "identities", "skew", "offset", "kept", "backfill", "young", "restart", "audits"]

device = st.integers(0, 1)
href = st.integers(0, len(hub.HREFS) - 1)
any_href = st.integers(0, len(hub.HREFS) + 1)
# Fate of the registration, or -1: behind the first events. Only a device that was seen to be born has no horizon.
registered = st.sampled_from([hub.OK, hub.OK, hub.OK, hub.OK, hub.LOST, -1])
wait = st.integers(0, len(hub.WAITS) - 1)


def op(name, *arguments):
    return st.tuples(st.just(name), *arguments).map(list)


def fates_of(traps):
    fates = [hub.OK] * 3
    if "loss" in traps:
        fates += [hub.LOST] * 2
    if "late" in traps:
        fates += [hub.SOON, hub.LATE, hub.VERY_LATE]
    if "twice" in traps:
        fates.append(hub.TWICE)
    if "malformed" in traps:
        fates += [hub.GARBAGE, hub.DAMAGED]
    return st.sampled_from(fates)


def first_fates(fate):
    """Of metadata, links and resources of a new device; mostly it can be seen that it is one."""
    some = st.lists(fate, max_size=4)
    return st.one_of(some.map(lambda fates: [hub.OK] + fates), some)


def ops_of(traps):
    fate = fates_of(traps)
    first, unlinked = st.just(0), st.just(hub.LINKED_FIRST)
    calm = [op("change", first, first, fate), op("change", first, href, fate), op("change", first, first, fate),
            op("change", device, href, fate), op("meta", first, fate), op("meta", device, fate), op("wait", wait),
            op("on", device, registered, first_fates(fate)),
            st.one_of(op("foreign"), op("service"))]
    more = {
        "commands": [op("command", device, href, st.integers(0, 3), fate), op("answer", device, href, fate),
                     op("cancel", device, href, st.lists(fate, max_size=2)),
                     # Not linked at first: forced, and withheld by the hub.
                     op("command", first, unlinked, st.integers(0, 2), fate), op("answer", first, unlinked, fate)],
        "links": [op("link", device, href, fate), op("unlink", device, href, fate)],
        "lives": [op("off", device, st.booleans())],
        "restart": [op("restart", device)],
        "recloud": [op("rereg", device, st.integers(0, 2))],
        "forks": [op("backup"), op("restore"), op("crash", device, any_href, st.integers(1, 3))],
        "zero": [op("zero", device, any_href, st.booleans())],
        "ghosts": [op("ghost", device, href, st.integers(0, 2))],
        "kept": [op("keep", st.integers(1, 3)), op("split")],
        "skew": [op("skew", st.sampled_from([0, 4, -4]))],
        "upgrade": [op("upgrade")],
        "audits": [op("audit")],
        "twice": [op("again", st.integers(0, 9))],
        "backfill": [op("backfill", st.integers(0, 5), st.booleans())],
        "identities": [op("recreate", st.integers(0, 3), st.integers(0, 2))],
    }
    sprung = [one for trap in sorted(traps) for one in more.get(trap, [])]
    return st.one_of(*calm, *sprung, *sprung, *sprung)


@st.composite
def histories(draw):
    traps = draw(st.sets(st.sampled_from(TRAPS), max_size=4)) | draw(st.sampled_from([{"loss"}, {"loss"}, set()]))
    ops = [["on", 0, draw(registered), draw(first_fates(fates_of(traps)))]]
    some = st.lists(ops_of(traps), max_size=20)
    ops += draw(some) + draw(some) + draw(some)
    return {
        "settle": draw(st.sampled_from([600, 60])),
        "hub": "older" if traps & {"older", "upgrade"} else "current",
        "offset": draw(st.sampled_from([-7200, -300, 300, 7200])) if "offset" in traps else 0,
        "ops": ops,
        "end": draw(wait) if "young" in traps else 5,
        "purge": draw(st.integers(1, 8)) if "purge" in traps else 0,
        "deleted": draw(st.lists(st.integers(0, 30), min_size=1, max_size=4)) if "holes" in traps else [],
        "cuts": draw(st.lists(st.integers(0, 999), max_size=3)),
    }
