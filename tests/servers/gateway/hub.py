# SPDX-License-Identifier: Apache-2.0
"""What the hub's gateway knows: events of the EventStore by device, who owns which device, whose a token is.

The store is read anew when the last time is a second ago, so that what a test changes in it is told soon.
"""
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import cramjam
import pymongo
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO = Path(__file__).resolve().parents[3] / "proto"
ALL = "*"
FRESH_SECONDS = 1

OK, INTERNAL, UNAUTHENTICATED = 0, 13, 16

# Event types as the EventStore writes them, and the member of GetEventsResponse. Those of services have none.
MEMBERS = {
    name.replace("_", ""): name
    for name in (
        "resource_links_published resource_links_unpublished resource_links_snapshot_taken resource_changed "
        "resource_update_pending resource_updated resource_retrieve_pending resource_retrieved "
        "resource_delete_pending resource_deleted resource_create_pending resource_created "
        "resource_state_snapshot_taken device_metadata_update_pending device_metadata_updated "
        "device_metadata_snapshot_taken").split()
}


def messages():
    """The classes of proto/gateway.proto by their names, made by protoc's descriptors."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["protoc", f"--proto_path={PROTO}", "--include_imports", f"--descriptor_set_out={file.name}",
                        "gateway.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(Path(file.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for one in files.file:
        pool.Add(one)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"grpcgateway.pb.{name}"))
            for name in ("GetEventsRequest", "GetEventsResponse")}


CLASSES = messages()
Request, Response = CLASSES["GetEventsRequest"], CLASSES["GetEventsResponse"]


class Refused(Exception):
    """A token that is none of ours."""


class Hub:
    def __init__(self, uri, database, owners, tokens):
        client = pymongo.MongoClient(uri)
        self.events = client[database]["devices_events"]
        self.owners = client[owners]["userdevices"]
        self.tokens = tokens  # token: owner claim, or ALL
        self.lock = threading.Lock()
        self.read_at = None
        self.by_device = {}
        self.owner_of = {}

    def refresh(self):
        with self.lock:
            if self.read_at is not None and time.monotonic() - self.read_at < FRESH_SECONDS:
                return
            by_device = {}
            for document in self.events.find():
                by_device.setdefault(document.get("groupid"), []).append(document)
            self.by_device = by_device
            self.owner_of = {row["_id"]: row["owner"] for row in self.owners.find()}
            self.read_at = time.monotonic()

    def owner(self, authorization):
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or token not in self.tokens:
            raise Refused(f"cannot get owner: token {token!r} is not valid")
        return self.tokens[token]

    def devices(self, owner):
        self.refresh()
        if owner == ALL:
            return set(self.by_device)
        return {device for device, of in self.owner_of.items() if of == owner}

    def answer(self, owner, device_ids, resource_ids, since):
        """GetEventsResponse messages. Foreign ids are passed over; a resource narrows its device."""
        owned = self.devices(owner)
        wanted = {device: None for device in device_ids if device in owned}
        for device, href in resource_ids:
            if device in owned:
                wanted[device] = (wanted.get(device) or set()) | {href}
        if not device_ids and not resource_ids:
            wanted = dict.fromkeys(owned)
        for device in sorted(wanted):
            for document in self.by_device.get(device, ()):
                yield from self._document(document, wanted[device], since)

    @staticmethod
    def _document(document, hrefs, since):
        for event in document.get("events") or ():
            member = MEMBERS.get(event["eventtype"])
            if member is None or (since > 0 and event["timestamp"] <= since):
                continue
            response = Response()
            getattr(response, member).ParseFromString(bytes(cramjam.snappy.decompress_raw(event["data"])))
            inner = getattr(response, member)
            if hrefs is None or (hasattr(inner, "resource_id") and inner.resource_id.href in hrefs):
                yield response
