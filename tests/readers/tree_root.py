#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The root of the Merkle tree over leaves given as lines of hexadecimal digits, as RFC 6962 section 2.1 defines it:
recursively, from nothing but the leaves. Prints the number of leaves and the root.
"""
import hashlib
import sys


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:left]) + root(leaves[left:])).digest()


if __name__ == "__main__":
    given = [bytes.fromhex(line) for line in sys.stdin]
    print(len(given), root(given).hex())
