# SPDX-License-Identifier: Apache-2.0
"""Writes the documents of devices_events as mongodump does: BSON, one behind the other."""
from wire import bson


def write(path, documents):
    with open(path, "wb") as file:
        for document in documents:
            file.write(bson(document))
