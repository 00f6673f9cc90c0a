#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peer of a first audit: the same join, as one would write it in Python.

    join.py NATS-URL STREAM MONGO-URI DATABASE FILE

Reads the stream by an ordered consumer, of each device message only the
envelope's aggregate and version; scans {aggregateid, latestversion}; writes
what is missing to FILE, an AGGREGATE@VERSION a line.  It does less than an
audit: nothing is archived, the events are not decoded, a device has one life,
and nobody asks why an event is missing.

Prints {"messages": N, "aggregates": N, "lost": N}.
"""
import asyncio
import json
import sys

import nats
import pymongo


def envelope(body):
    """(aggregate, version) of an event store's envelope: fields 4 and 1."""
    i, end, aggregate, version = 0, len(body), b"", 0
    while i < end:
        tag = body[i]
        i += 1
        value = shift = 0
        while True:
            byte = body[i]
            i += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        if tag == 8:
            version = value
        elif tag & 7 == 2:
            if tag == 34:
                aggregate = body[i:i + value]
            i += value
        elif tag & 7:
            raise ValueError("unknown field")
    return aggregate, version


async def read_stream(url, name):
    """Messages, and for each aggregate a number whose bits are the versions seen."""
    client = await nats.connect(url)
    jetstream = client.jetstream()
    wanted = (await jetstream.stream_info(name)).state.messages
    done = asyncio.get_running_loop().create_future()
    seen, count = {}, 0

    async def on_message(message):
        nonlocal count
        if ".devices." in message.subject:
            aggregate, version = envelope(message.data)
            seen[aggregate] = seen.get(aggregate, 0) | 1 << version
        count += 1
        if count == wanted:
            done.set_result(None)

    if wanted:
        await jetstream.subscribe(">", stream=name, cb=on_message, ordered_consumer=True,
                                  pending_msgs_limit=-1, pending_bytes_limit=-1)
        await done
    await client.close()
    return count, seen


def missing(uri, database, seen):
    """(aggregate, version) of each event that is stored and was not seen, and the number of aggregates."""
    rows = pymongo.MongoClient(uri)[database]["devices_events"].find(
        {}, {"_id": 0, "aggregateid": 1, "latestversion": 1}, batch_size=10000)
    latest = {}
    for row in rows:
        aggregate, version = row["aggregateid"], row["latestversion"]
        if latest.get(aggregate, -1) < version:
            latest[aggregate] = version
    found = []
    for aggregate, version in latest.items():
        absent = ~seen.get(aggregate.encode(), 0) & (1 << version + 1) - 1
        while absent:
            lowest = absent & -absent
            found.append((aggregate, lowest.bit_length() - 1))
            absent ^= lowest
    return found, len(latest)


def main():
    url, stream, uri, database, path = sys.argv[1:]
    messages, seen = asyncio.run(read_stream(url, stream))
    found, aggregates = missing(uri, database, seen)
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"{aggregate}@{version}\n" for aggregate, version in found)
    print(json.dumps({"messages": messages, "aggregates": aggregates, "lost": len(found)}))


if __name__ == "__main__":
    main()
