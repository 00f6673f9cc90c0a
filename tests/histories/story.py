# SPDX-License-Identifier: Apache-2.0
"""Tells one history in lines: what was saved, what the stream shows, what the store has."""
from datetime import datetime, timezone

import events
import stream
from hub import BEGINNING, SECOND


def clock(time):
    time -= BEGINNING
    return "%d+%s.%03d" % (time // (86400 * SECOND), datetime.fromtimestamp(time // SECOND % 86400, timezone.utc).strftime("%H:%M:%S"),
                           time % SECOND // 10**6)


def name_of(device):
    return next("d%d" % number for number in range(3) if events.device_id(number) == device) if device != events.HUB else "hub"


def tell(hub, identities):
    lines = ["times are days+hours; settle and clocks: see the history", "saved:"]
    fates = stream.fates(hub.views[-1], identities)
    resets = sorted(hub.resets + [(view.now, "audit", None) for view in hub.views[:-1]])
    for save in hub.saves:
        while resets and resets[0][0] <= save.now:
            time, what, device = resets[0]
            lines.append("  %s  ---- %s" % (clock(time), what + " of " + name_of(device) if device else what))
            resets.pop(0)
        lines.append("  %s  %s%s@%d %s: %s" % (clock(save.time), name_of(save.device), save.href, save.version, save.kind, fates[id(save)]))
    for identity in identities:
        lines.append("stream %s, sequences %d to %d:" % (identity.name, identity.first, identity.last))
        for seq, message in identity.slots:
            save = message.save
            what = "%s%s@%d%s" % (name_of(save.device), save.href, save.version, " (unreadable)" if message.garbage else "") \
                if save else {events.REGISTERED: "registered", events.UNREGISTERED: "unregistered"}.get(message.kind, "foreign")
            what += "".join(" " + name_of(device) for device in message.devices)
            lines.append("  %3d  %s  %s" % (seq, clock(message.at), "(hole) " + what if seq in identity.gone else what))
    lines.append("store:")
    hrefs = {events.aggregate_id(save.device, save.href): name_of(save.device) + save.href for save in hub.saves}
    for document in hub.documents():
        stored = ["%d %s" % (event["version"], event["eventtype"]) for event in document.get("events", [])]
        lines.append("  %s latest %d %s" % (hrefs.get(document["aggregateid"], "service"), document["latestversion"],
                                            ", ".join(stored) if stored else "ghost"))
    return "\n".join(lines)
