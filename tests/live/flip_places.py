#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where flips.bats flips bits: lines of file, offset and bit.

    flip_places.py COUNT SEED ARCHIVE...

Chosen places first: where a check could look away. The rest is drawn from all bytes of archives and sidecars.
"""
import os
import random
import struct
import sys


def frames_of(data):
    """(offset, packed, raw) of every zstd frame, and the offset of the seek table."""
    count = struct.unpack("<I", data[-9:-5])[0]
    table = len(data) - 17 - 12 * count
    frames, at = [], 0
    for i in range(count):
        packed, raw = struct.unpack("<II", data[table + 8 + 12 * i :][:8])
        frames.append((at, packed, raw))
        at += packed
    assert at == table and count > 6, "another seek table than that of the format"
    return frames, table


def header_bytes(data, at):
    """How long the header of the frame is: magic, descriptor, window, content size (RFC 8878, 3.1.1.1)."""
    descriptor = data[at + 4]
    single = descriptor >> 5 & 1
    return 5 + (1 - single) + ((1 if single else 0), 2, 4, 8)[descriptor >> 6]


def chosen(path, data):
    frames, table = frames_of(data)
    header, records, index = frames[0], next(f for f in frames if f[2] > 4096), frames[-4]
    manifest_tar, manifest, end = frames[-3:]
    # The descriptor of a frame, every bit: some have no meaning to a decoder.
    for at, _, _ in (header, records, manifest):
        for bit in range(8):
            yield path, at + 4, bit
    for at, packed, _ in (header, records, index, manifest_tar, manifest, end):
        yield path, at, 0
        yield path, at + 3, 7
        inside = at + header_bytes(data, at)
        yield path, inside - 1, 0  # content size
        yield path, inside, 0  # is it the last block?
        yield path, inside, 1  # type of the block
        yield path, inside + 1, 3  # size of the block
        yield path, at + packed // 2, 5  # of tar headers: the name, or the zeros behind it
        yield path, at + packed - 5, 6  # the last byte of the content
        yield path, at + packed - 1, 7  # checksum
    for entry in (0, len(frames) // 2, len(frames) - 1):
        for field in (0, 4, 8, 11):
            yield path, table + 8 + 12 * entry + field, 0
    for at, bit in ((0, 0), (0, 3), (3, 7), (4, 0), (7, 7)):  # skippable frame: magic, size
        yield path, table + at, bit
    for at in (-9, -6, -4, -1):  # number of entries, magic
        yield path, len(data) + at, 1
    for bit in (0, 1, 2, 6, 7):  # descriptor: unused, reserved, checksums
        yield path, len(data) - 5, bit
    sidecar = path + ".sha256"
    for at, bit in ((0, 0), (0, 5), (63, 0), (64, 3), (65, 7), (66, 5), (os.path.getsize(sidecar) - 1, 2)):
        yield sidecar, at, bit
    letter = next(i for i, c in enumerate(open(sidecar, "rb").read(64)) if c >= ord("a"))
    yield sidecar, letter, 5  # the digit as a capital letter


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    paths = sys.argv[3:]
    middle = paths[len(paths) // 2]
    with open(middle, "rb") as file:
        places = list(dict.fromkeys(chosen(middle, file.read())))
    random.seed(seed)
    files = [name for path in paths for name in (path, path + ".sha256")]
    sizes = [os.path.getsize(name) for name in files]
    while len(places) < count:
        name = random.choices(files, sizes)[0]
        place = (name, random.randrange(os.path.getsize(name)), random.randrange(8))
        if place not in places:
            places.append(place)
    for place in places:
        print(*place)


if __name__ == "__main__":
    main()
