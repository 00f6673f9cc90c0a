/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the store room only: what opening a gateway and asking it share. */
#ifndef ET_STORE_GATEWAY_INTERNAL_H
#define ET_STORE_GATEWAY_INTERNAL_H

#include <curl/curl.h>

#include "store/gateway.h"
#include "store/gateway_json.h"
#include "store/grpc.h"

#define ET_GATEWAY_GRPC_PATH "/grpcgateway.pb.GrpcGateway/GetEvents"
#define ET_GATEWAY_HTTP_PATH "/api/v1/events?deviceIdFilter="

/* What is known of the answer in hand. */
struct et_gateway_reply {
	et_gateway_sink *sink;
	void *cookie;
	struct et_error *err;
	int result; /* of reading it; the transfer ends with the first that is negative */
	long status;
	bool is_grpc; /* by its content type */
	bool has_end; /* HTTP/1: a length, or pieces, of which the last one says so */
	struct et_grpc_end end;
	struct et_buf refusal; /* the body of what is no answer */
};

struct et_gateway {
	CURLM *multi; /* keeps the connection from one question to the next */
	CURL *easy;
	struct curl_slist *headers;
	char *url; /* to which the path, and perhaps the device, is added */
	char *address;
	char *token;
	bool http;
	struct et_grpc_frames frames;
	struct et_gateway_lines lines;
	struct et_buf request;
	char words[CURL_ERROR_SIZE];
	int64_t timeout_ns;
	int64_t asked_ns; /* monotonic */
	struct et_gateway_reply answer;
};

/* The callbacks of the transfers; the cookie is the gateway. */
size_t et_gateway_on_header(char *line, size_t one, size_t bytes, void *cookie);
size_t et_gateway_on_body(char *bytes, size_t one, size_t count, void *cookie);

#endif
