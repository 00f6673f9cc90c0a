# SPDX-License-Identifier: Apache-2.0
"""GrpcGateway/GetEvents by the real gRPC library, over TLS."""
import concurrent.futures
import time

import grpc

from hub import Refused, Request, Response

METHOD = "/grpcgateway.pb.GrpcGateway/GetEvents"


def handler(hub, faults):
    def get_events(request, context):
        metadata = dict(context.invocation_metadata())
        try:
            owner = hub.owner(metadata.get("authorization"))
        except Refused as refused:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, str(refused))
        resources = [(one.resource_id.device_id, one.resource_id.href) for one in request.resource_id_filter]
        answer = list(hub.answer(owner, request.device_id_filter, resources, request.timestamp_filter))
        fault = faults.take() if answer else None
        for number, response in enumerate(answer):
            if number == len(answer) // 2:
                fail(fault, context)
            yield response

    return grpc.unary_stream_rpc_method_handler(
        get_events, request_deserializer=Request.FromString, response_serializer=Response.SerializeToString)


def fail(fault, context):
    if fault == "error":
        context.abort(grpc.StatusCode.INTERNAL, "cannot receive event: Verbindung zu MongoDB verloren äöü %")
    elif fault == "slow":
        # Until the caller's time is up, and a little longer.
        time.sleep((context.time_remaining() or 0) + 1)
    elif fault is not None:
        raise ValueError(f"the gRPC library cannot do {fault}")


class Handlers(grpc.GenericRpcHandler):
    def __init__(self, method):
        self.method = method

    def service(self, details):
        return self.method if details.method == METHOD else None


def start(hub, faults, certificates, with_client):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4),
                         options=[("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((Handlers(handler(hub, faults)),))
    ca = (certificates / "ca.crt").read_bytes()
    credentials = grpc.ssl_server_credentials(
        [((certificates / "server.key").read_bytes(), (certificates / "server.crt").read_bytes())],
        root_certificates=ca if with_client else None, require_client_auth=with_client)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    return server, port
