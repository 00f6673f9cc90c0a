# SPDX-License-Identifier: Apache-2.0
"""Answers of the HTTP gateway: protobuf's JSON form with everything that is not set, one object a line.

lossy() is the other form, which it gives to whoever does not ask for application/protojson: what devices sent is
decoded, and whatever is empty is left out.
"""
import base64
import json

from google.protobuf import json_format


def _nulls(message, value):
    """Messages that are not set stand as null, in the form of the hub's language."""
    for field in message.DESCRIPTOR.fields:
        name = field.json_name
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            for one, inner in zip(getattr(message, field.name), value.get(name, ())):
                _nulls(one, inner)
        elif message.HasField(field.name):
            _nulls(getattr(message, field.name), value[name])
        elif field.containing_oneof is None:
            value[name] = None


def full(message):
    value = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    _nulls(message, value)
    return value


def line(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lossy(value):
    if isinstance(value, dict):
        if "contentType" in value and "data" in value:
            if value["contentType"] == "text/plain":
                return base64.b64decode(value["data"]).decode(errors="replace")
            return {"decoded": len(value["data"])}
        inner = {key: lossy(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one not in (None, "", [], {})}
    return [lossy(one) for one in value] if isinstance(value, list) else value
