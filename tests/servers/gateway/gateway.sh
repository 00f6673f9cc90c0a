# shellcheck shell=bash
# Starts and stops the hub's gateway for tests. Source it after servers.sh.
#
#   gateway_start DIR [OPTION...]   over what MONGO_URI holds; certificates, tokens and faults in DIR
#   gateway_stop
#   gateway_fault [NAME AFTER TIMES]   what is to go wrong from now on (faults.py); nothing: nothing
#
# gateway_start leaves GATEWAY_DIR GATEWAY_PID GATEWAY_GRPC GATEWAY_HTTP GATEWAY_RAW GATEWAY_GRPC_MTLS
# GATEWAY_HTTP_MTLS (addresses). DIR/tokens.json must be there. DIR gets ca.crt, client.crt and client.key, and
# other-ca.crt, of an authority that has signed nothing.

_gateway_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${GATEWAY_PYTHON:=$_gateway_here/../../../build/gateway-venv/bin/python3}"
: "${GATEWAY_TIMEOUT:=60}"

# gateway_missing: says why it cannot run; non-zero when it can.
gateway_missing() {
	local tool
	for tool in openssl protoc; do
		command -v "$tool" >/dev/null || { printf 'no %s\n' "$tool" && return; }
	done
	[[ ! -x $GATEWAY_PYTHON ]] || return 1
	printf 'no virtual environment with grpcio: scripts/setup.sh test makes it\n'
}

# _gateway_sign NAME EXTENSIONS: NAME.key and NAME.crt, of the authority.
_gateway_sign() {
	openssl req -newkey rsa:2048 -noenc -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" &&
		openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3 -out "$1.crt" \
			-extfile <(printf '%s\n' "$2")
}

_gateway_authority() {
	openssl req -x509 -newkey rsa:2048 -noenc -keyout "$1.key" -out "$1.crt" -subj "/CN=$1" -days 3 \
		-addext basicConstraints=critical,CA:TRUE
}

_gateway_certificates() {
	[[ ! -e client.crt ]] || return 0
	_gateway_authority ca && _gateway_authority other-ca &&
		_gateway_sign server 'subjectAltName=DNS:localhost,IP:127.0.0.1' &&
		_gateway_sign client 'extendedKeyUsage=clientAuth'
}

gateway_start() {
	local deadline=$((SECONDS + GATEWAY_TIMEOUT)) ports
	GATEWAY_DIR=$1
	shift
	rm -f "$GATEWAY_DIR/ports"
	: >"$GATEWAY_DIR/fault"
	(cd "$GATEWAY_DIR" && _gateway_certificates) >"$GATEWAY_DIR/certificates.log" 2>&1 || {
		printf 'gateway: no certificates: %s\n' "$(tail -n 3 "$GATEWAY_DIR/certificates.log")" >&2
		return 1
	}
	# Descriptor 3 is how bats waits for its tests: a server must not hold it.
	"$GATEWAY_PYTHON" -B "$_gateway_here/gateway.py" "$GATEWAY_DIR" --mongo "$MONGO_URI" "$@" \
		</dev/null >"$GATEWAY_DIR/gateway.log" 2>&1 3>&- &
	GATEWAY_PID=$!
	disown
	until [[ -e $GATEWAY_DIR/ports ]]; do
		if ! kill -0 "$GATEWAY_PID" 2>/dev/null || ((SECONDS >= deadline)); then
			printf 'gateway: not ready: %s\n' "$(tail -n 5 "$GATEWAY_DIR/gateway.log")" >&2
			gateway_stop
			return 1
		fi
		sleep 0.05
	done
	read -ra ports <"$GATEWAY_DIR/ports"
	GATEWAY_GRPC=https://127.0.0.1:${ports[0]} GATEWAY_HTTP=https://127.0.0.1:${ports[1]}
	GATEWAY_RAW=https://127.0.0.1:${ports[2]}
	GATEWAY_GRPC_MTLS=https://127.0.0.1:${ports[3]} GATEWAY_HTTP_MTLS=https://127.0.0.1:${ports[4]}
	export GATEWAY_DIR GATEWAY_PID GATEWAY_GRPC GATEWAY_HTTP GATEWAY_RAW GATEWAY_GRPC_MTLS GATEWAY_HTTP_MTLS
}

gateway_stop() {
	[[ -n ${GATEWAY_PID-} ]] || return 0
	kill "$GATEWAY_PID" 2>/dev/null || true
	while kill -0 "$GATEWAY_PID" 2>/dev/null; do
		sleep 0.02
	done
	unset GATEWAY_PID
}

gateway_fault() {
	# Whole or not at all: the gateway may read it at this moment.
	printf '%s\n' "$*" >"$GATEWAY_DIR/fault.new" && mv "$GATEWAY_DIR/fault.new" "$GATEWAY_DIR/fault"
}
