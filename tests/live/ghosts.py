#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Appends ghosts to a dump of the EventStore: documents that a lost race left, without events or group.

    ghosts.py DUMP.bson LATESTVERSION DEVICE...

One for the metadata aggregate of each device.
"""
import os
import struct
import sys
import uuid


def text(key, value):
    return b"\x02" + key + b"\0" + struct.pack("<i", len(value) + 1) + value.encode() + b"\0"


def ghost(aggregate, version):
    body = (b"\x07_id\0" + os.urandom(12) + text(b"aggregateid", aggregate)
            + b"\x12latestversion\0" + struct.pack("<q", version) + b"\x08isactive\0\0")
    return struct.pack("<i", len(body) + 5) + body + b"\0"


with open(sys.argv[1], "ab") as dump:
    for device in sys.argv[3:]:
        dump.write(ghost(str(uuid.uuid5(uuid.NAMESPACE_URL, device + "/plgd/s")), int(sys.argv[2])))
