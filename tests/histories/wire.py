# SPDX-License-Identifier: Apache-2.0
"""The bytes of protobuf, snappy and BSON, as far as a made-up history needs them."""
import struct

MASK = (1 << 64) - 1


# ---- protobuf ----

def varint(value):
    value &= MASK
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    """Of a difference modulo 2^64, as a signed number."""
    value &= MASK
    if value >> 63:
        value -= 1 << 64
    return value << 1 ^ value >> 63


def field(number, value):
    """One field; a number is a varint, anything else bytes; zero and empty values are left out."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value if value else b""


def message(*fields):
    """Fields as (number, value), a list of values for a repeated one; an empty message is written."""
    out = []
    for number, value in fields:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(value, list) and not isinstance(one, int) and not one:
                out.append(varint(number << 3 | 2) + b"\0")
            else:
                out.append(field(number, one))
    return b"".join(out)


def delimited(data):
    return varint(len(data)) + data


# ---- snappy, block format: literals only ----

def snappy(data):
    out = [varint(len(data))]
    for at in range(0, len(data), 65536):
        piece = data[at : at + 65536]
        size = len(piece) - 1
        out.append(bytes([size << 2]) if size < 60 else b"\xf4" + struct.pack("<H", size))
        out.append(piece)
    return b"".join(out)


# ---- BSON ----

class Binary(bytes):
    pass


class Int32(int):
    pass


def bson(document):
    """A dict: str, bool, None, int (64 bits unless Int32), Binary, list, dict."""
    return _bson(document.items())


def _bson(items):
    parts = []
    for key, value in items:
        kind, data = _value(value)
        parts.append(bytes([kind]) + key.encode() + b"\0" + data)
    body = b"".join(parts)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _value(value):
    if value is None:
        return 0x0A, b""
    if isinstance(value, bool):
        return 0x08, b"\1" if value else b"\0"
    if isinstance(value, Int32):
        return 0x10, struct.pack("<i", value)
    if isinstance(value, int):
        return 0x12, struct.pack("<q", value)
    if isinstance(value, str):
        data = value.encode()
        return 0x02, struct.pack("<i", len(data) + 1) + data + b"\0"
    if isinstance(value, Binary):
        return 0x05, struct.pack("<i", len(value)) + b"\0" + bytes(value)
    if isinstance(value, list):
        return 0x04, _bson((str(i), one) for i, one in enumerate(value))
    if isinstance(value, dict):
        return 0x03, _bson(value.items())
    raise TypeError(type(value))
