#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The hub's gateway for tests: what a MongoDB holds, over gRPC and HTTP, with TLS and tokens.

Runs until it is ended. DIR has the certificates that gateway.sh makes, tokens.json ({token: owner, or "*" for all})
and fault (faults.py); `ports` appears there when everything listens: gRPC by the library, HTTP, gRPC by hand, and
the first two once more, where they ask for a client certificate.
"""
import argparse
import json
import os
import signal
from pathlib import Path

import grpc_gateway
import http_gateway
import raw_gateway
from faults import Faults
from hub import Hub


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path)
    parser.add_argument("--mongo", required=True)
    parser.add_argument("--db", default="eventStore_db")
    parser.add_argument("--owners-db", default="ownersDevices_db")
    args = parser.parse_args()

    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    tokens = json.loads((args.dir / "tokens.json").read_text())
    hub = Hub(args.mongo, args.db, args.owners_db, tokens)
    faults = Faults(args.dir / "fault")
    servers = [grpc_gateway.start(hub, faults, args.dir, False), http_gateway.start(hub, faults, args.dir, False),
               raw_gateway.start(hub, faults, args.dir), grpc_gateway.start(hub, faults, args.dir, True),
               http_gateway.start(hub, faults, args.dir, True)]
    temporary = args.dir / "ports.new"
    temporary.write_text(" ".join(str(port) for _, port in servers) + "\n")
    temporary.rename(args.dir / "ports")
    signal.sigwait(ends)
    os._exit(0)  # threads of the libraries still run


if __name__ == "__main__":
    main()
