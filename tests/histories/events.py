# SPDX-License-Identifier: Apache-2.0
"""The hub's events, registrations and documents as bytes (docs/plgd.md; numbers of fields: proto/)."""
import uuid

from wire import Binary, field, message, snappy

# name: (number in an archive's index, event_metadata, audit_context, resource_id)
KINDS = {
    "resourcelinkspublished": (1, 4, 3, 0),
    "resourcelinksunpublished": (2, 4, 3, 0),
    "resourcelinkssnapshottaken": (3, 3, 4, 0),
    "devicemetadataupdatepending": (4, 4, 3, 0),
    "devicemetadataupdated": (5, 5, 4, 0),
    "devicemetadatasnapshottaken": (6, 4, 0, 0),
    "resourcechanged": (7, 5, 4, 1),
    "resourcecreatepending": (8, 4, 3, 1),
    "resourcecreated": (9, 5, 4, 1),
    "resourceretrievepending": (10, 4, 3, 1),
    "resourceretrieved": (11, 5, 4, 1),
    "resourceupdatepending": (12, 5, 4, 1),
    "resourceupdated": (13, 5, 4, 1),
    "resourcedeletepending": (14, 3, 2, 1),
    "resourcedeleted": (15, 5, 4, 1),
    "resourcestatesnapshottaken": (16, 8, 7, 1),
    "servicemetadataupdated": (17, 2, 3, 0),
    "servicemetadatasnapshottaken": (18, 2, 0, 0),
}
REGISTERED, UNREGISTERED = 19, 20
LINKS, METADATA, SERVICES = "/plgd/res", "/plgd/s", "/plgd/services"
# What the hub leaves out when the href is not linked.
WITHHOLDABLE = {"resourcecreatepending", "resourceupdatepending", "resourcedeletepending"}
# Field of a resource's snapshot.
EMBEDS = {"resourcecreatepending": 3, "resourceretrievepending": 4, "resourceupdatepending": 5, "resourcedeletepending": 6}
ANSWERS = {"resourcecreated": "resourcecreatepending", "resourceretrieved": "resourceretrievepending",
           "resourceupdated": "resourceupdatepending", "resourcedeleted": "resourcedeletepending",
           "devicemetadataupdated": "devicemetadataupdatepending"}
HUB = str(uuid.uuid5(uuid.NAMESPACE_URL, "hub"))


def device_id(number):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "device %d" % number))


def owner_id(number):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "owner %d" % number))


def aggregate_id(device, href):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, device + href))


def key(text):
    return uuid.UUID(text).bytes


def snapshot_kind(href):
    return {LINKS: "resourcelinkssnapshottaken", METADATA: "devicemetadatasnapshottaken",
            SERVICES: "servicemetadatasnapshottaken"}.get(href, "resourcestatesnapshottaken")


def encode_event(kind, device, href, version, time, correlation, owner, hrefs=()):
    """hrefs: what a links event names. The event's own protobuf."""
    _, metadata, audit, resource = KINDS[kind]
    parts = {metadata: message((1, version), (2, time), (3, "connection"), (5, HUB))}
    if audit:
        parts[audit] = message((1, owner), (2, correlation), (3, owner))
    if resource:
        parts[resource] = message((1, device), (2, href))
    elif href != SERVICES:
        parts[1] = device
    if kind in ("resourcelinkspublished", "resourcelinkssnapshottaken"):
        links = [message((1, one), (2, device)) for one in hrefs]
        if kind == "resourcelinkssnapshottaken":
            links = [message((1, one), (2, link)) for one, link in zip(hrefs, links)]
        parts[2] = links
    elif kind == "resourcelinksunpublished":
        parts[2] = list(hrefs)
    elif kind == "resourcechanged":
        parts[2] = message((1, b"state %d" % version), (2, "text/plain"))
    return message(*sorted(parts.items()))


def encode_snapshot(href, device, version, time, owner, change, pendings, hrefs):
    """change: bytes of the last change (of metadata: of the last update) or None; pendings: (kind, bytes)."""
    kind = snapshot_kind(href)
    metadata = message((1, version), (2, time), (5, HUB))
    if kind == "resourcelinkssnapshottaken":
        return encode_event(kind, device, href, version, time, "", owner, hrefs)
    if kind == "devicemetadatasnapshottaken":
        return message((1, device), (2, change or b""), (3, [raw for _, raw in pendings]), (4, metadata))
    if kind == "servicemetadatasnapshottaken":
        return message((1, b""), (2, metadata))
    parts = [(1, message((1, device), (2, href))), (2, [change if change is not None else b""])]
    parts += [(EMBEDS[pending], [raw]) for pending, raw in sorted(pendings, key=lambda one: EMBEDS[one[0]])]
    return message(*parts, (7, message((1, owner), (3, owner))), (8, metadata))


def envelope(kind, device, href, version, data):
    return message((1, version), (2, kind), (3, device), (4, aggregate_id(device, href)), (5, data))


def subject(kind, device, href, owner):
    branch = {LINKS: "resource-links", METADATA: "metadata"}.get(href)
    branch = branch or "resources.%s" % uuid.uuid5(uuid.NAMESPACE_URL, href)
    return "plgd.owners.%s.devices.%s.%s.%s" % (owner, device, branch, kind)


def registration(number, owner, devices, time):
    """(subject, body) of devicesregistered or devicesunregistered."""
    body = message((1, owner), (2, list(devices)), (3, time), (5, message((1, HUB))))
    name = "devicesregistered" if number == REGISTERED else "devicesunregistered"
    return "plgd.owners.%s.registrations.%s" % (owner, name), snappy(field(number - 18, body))


def document(device, href, events, active):
    """A document of devices_events. events: (version, kind, raw, is snapshot, time), at least one."""
    aggregate = aggregate_id(device, href)
    stored = [{"version": v, "data": Binary(snappy(raw)), "eventtype": kind, "issnapshot": snapshot, "timestamp": time}
              for v, kind, raw, snapshot, time in events]
    snapshots = [v for v, _, _, snapshot, _ in events if snapshot]
    return {"_id": "%s.%d" % (aggregate, events[0][0]), "groupid": device, "aggregateid": aggregate,
            "firstversion": events[0][0], "latestversion": events[-1][0],
            "latestsnapshotversion": snapshots[-1] if snapshots else events[0][0], "latesttimestamp": events[-1][4],
            "isactive": active, "latestetag": None, "events": stored}


def ghost(device, href, version):
    return {"_id": "ghost.%s.%d" % (aggregate_id(device, href), version), "aggregateid": aggregate_id(device, href),
            "latestversion": version, "isactive": True}
