# shellcheck shell=bash
# Starts and stops a nats-server and a FerretDB for tests. Source it.
#
#   servers_start DIR       both, on free loopback ports; their data in DIR
#   servers_stop            all, whichever runs
#   nats_start DIR [PORT]   JetStream in DIR/js
#   nats_stop               SIGTERM, and wait for the end
#   nats_kill               SIGKILL, and wait for the end
#   nats_restart_same_port  over the same data, after nats_stop or nats_kill
#   ferret_start DIR [PORT] documents in DIR/mongo
#   ferret_stop
#   ferret_restart_same_port
#   java_start DIR          the in-memory store of build-javastore.sh
#   java_stop
#   mongod_start DIR        a real one: EVTRAIL_TEST_MONGODB_URI, else mongod on PATH; 77 when there is neither
#   mongod_stop
#   load_recording RECDIR [DB]
#
# They export NATS_URL NATS_PORT NATS_PID, MONGO_URI MONGO_PORT FERRET_PID,
# JAVA_URI JAVA_PID and NATS_DIR FERRET_DIR JAVA_DIR. Set before a start, these change it:
#   EVTRAIL_SERVERS   folder of the programs (default: build/servers)
#   NATS_CONFIG       configuration file for nats-server (TLS, accounts, ...)
#   FERRET_OPTIONS    array of further options of ferretdb
# Every function returns non-zero, with the reason on stderr, when it failed.
# No process is signalled but those whose ids were noted here.

_servers_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${EVTRAIL_SERVERS:=$_servers_here/../../build/servers}"
# A recovery of some gigabytes of stream takes a while.
: "${SERVERS_TIMEOUT:=60}"

_servers_fail() {
	printf 'servers: %s\n' "$*" >&2
	return 1
}

# _servers_alive PID NAME: a number that was reused by another program, or a
# zombie that nobody collects, is not alive.
_servers_alive() {
	local stat
	[[ -n ${1-} ]] && stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	[[ $stat == "$1 ($2) "[!ZX]* ]]
}

# _servers_end PID NAME SIGNAL
_servers_end() {
	local deadline=$((SECONDS + SERVERS_TIMEOUT))
	_servers_alive "$1" "$2" || return 0
	kill "-$3" "$1" 2>/dev/null
	while _servers_alive "$1" "$2"; do
		((SECONDS < deadline)) || _servers_fail "$2 ($1) does not end on $3" || return
		sleep 0.02
	done
}

# _servers_await PID NAME LOG CONDITION...: until the condition holds.
_servers_await() {
	local pid=$1 name=$2 log=$3 deadline=$((SECONDS + SERVERS_TIMEOUT))
	shift 3
	until "$@"; do
		# Not by its name: on a busy machine it takes a while to replace the shell that started it.
		kill -0 "$pid" 2>/dev/null || _servers_fail "$name ended: $(tail -n 3 "$log" 2>&1)" || return
		((SECONDS < deadline)) || _servers_fail "$name is not ready: $(tail -n 3 "$log")" || return
		sleep 0.02
	done
}

# The file appears when the server listens; its greeting says the rest.
_nats_is_ready() {
	local ports=$NATS_DIR/nats-server_$NATS_PID.ports text info
	text=$(cat "$ports" 2>/dev/null) || return 1
	[[ $text =~ (nats|tls)://127\.0\.0\.1:([0-9]+) ]] || return 1
	NATS_PORT=${BASH_REMATCH[2]}
	# In a subshell: a failing exec redirection would end this one.
	# shellcheck disable=SC2016
	info=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && head -n 1 <&3' - "$NATS_PORT" 2>/dev/null)
	[[ $info == INFO*'"jetstream":true'* ]]
}

_ferret_is_ready() {
	MONGO_PORT=$(cat "$FERRET_DIR/mongo.port" 2>/dev/null) && [[ -n $MONGO_PORT ]]
}

nats_start() {
	local port=${2:--1} extra=()
	[[ -n ${1-} ]] || _servers_fail 'nats_start: no directory' || return
	_servers_alive "${NATS_PID-}" nats-server && { _servers_fail 'nats-server runs already' || return; }
	mkdir -p "$1/js" || return
	NATS_DIR=$(cd "$1" && pwd)
	[[ -z ${NATS_CONFIG-} ]] || extra=(-c "$NATS_CONFIG")
	# Descriptor 3 is how bats waits for its tests: a server must not hold it.
	"$EVTRAIL_SERVERS/nats-server" "${extra[@]}" -a 127.0.0.1 -p "$port" -js -sd "$NATS_DIR/js" \
		--ports_file_dir "$NATS_DIR" </dev/null >>"$NATS_DIR/nats.log" 2>&1 3>&- &
	NATS_PID=$!
	# Else the shell reports its end in the middle of a test's output.
	disown
	if ! _servers_await "$NATS_PID" nats-server "$NATS_DIR/nats.log" _nats_is_ready; then
		nats_kill
		return 1
	fi
	NATS_URL=nats://127.0.0.1:$NATS_PORT
	export NATS_DIR NATS_PID NATS_PORT NATS_URL
}

# The ids stay noted on failure: servers_stop can try again.
nats_stop() {
	_servers_end "${NATS_PID-}" nats-server TERM && unset NATS_PID
}

nats_kill() {
	_servers_end "${NATS_PID-}" nats-server KILL || return
	# A killed server cannot remove it, and the next one must not be taken for it.
	rm -f "$NATS_DIR/nats-server_${NATS_PID-}.ports"
	unset NATS_PID
}

nats_restart_same_port() {
	[[ -n ${NATS_PORT-} ]] || _servers_fail 'nats-server was not started yet' || return
	nats_stop && nats_start "$NATS_DIR" "$NATS_PORT"
}

ferret_start() {
	local port=${2:-0}
	[[ -n ${1-} ]] || _servers_fail 'ferret_start: no directory' || return
	_servers_alive "${FERRET_PID-}" ferretdb && { _servers_fail 'ferretdb runs already' || return; }
	mkdir -p "$1/mongo" || return
	FERRET_DIR=$(cd "$1" && pwd)
	rm -f "$FERRET_DIR/mongo.port"
	"$EVTRAIL_SERVERS/ferretdb" --dir "$FERRET_DIR/mongo" --listen "127.0.0.1:$port" \
		--port-file "$FERRET_DIR/mongo.port" ${FERRET_OPTIONS[@]+"${FERRET_OPTIONS[@]}"} \
		</dev/null >>"$FERRET_DIR/ferret.log" 2>&1 3>&- &
	FERRET_PID=$!
	disown
	if ! _servers_await "$FERRET_PID" ferretdb "$FERRET_DIR/ferret.log" _ferret_is_ready; then
		_servers_end "$FERRET_PID" ferretdb KILL && unset FERRET_PID
		return 1
	fi
	MONGO_URI=mongodb://127.0.0.1:$MONGO_PORT/
	export FERRET_DIR FERRET_PID MONGO_PORT MONGO_URI
}

ferret_stop() {
	_servers_end "${FERRET_PID-}" ferretdb TERM && unset FERRET_PID
}

ferret_restart_same_port() {
	[[ -n ${MONGO_PORT-} ]] || _servers_fail 'ferretdb was not started yet' || return
	ferret_stop && ferret_start "$FERRET_DIR" "$MONGO_PORT"
}

_java_is_ready() {
	local port
	port=$(cat "$JAVA_DIR/java.port" 2>/dev/null) && [[ -n $port ]] || return 1
	JAVA_URI=mongodb://127.0.0.1:$port/
}

java_start() {
	[[ -n ${1-} ]] || _servers_fail 'java_start: no directory' || return
	[[ -x $EVTRAIL_SERVERS/javastore ]] || _servers_fail 'javastore was not built' || return
	_servers_alive "${JAVA_PID-}" java && { _servers_fail 'javastore runs already' || return; }
	mkdir -p "$1" || return
	JAVA_DIR=$(cd "$1" && pwd)
	rm -f "$JAVA_DIR/java.port"
	"$EVTRAIL_SERVERS/javastore" --port-file "$JAVA_DIR/java.port" </dev/null >>"$JAVA_DIR/java.log" 2>&1 3>&- &
	JAVA_PID=$!
	disown
	# Its name changes twice while the launcher starts it: the file is all.
	local deadline=$((SECONDS + SERVERS_TIMEOUT))
	until _java_is_ready; do
		if ! kill -0 "$JAVA_PID" 2>/dev/null || ((SECONDS >= deadline)); then
			_servers_fail "javastore is not ready: $(tail -n 3 "$JAVA_DIR/java.log")"
			return 1
		fi
		sleep 0.05
	done
	export JAVA_DIR JAVA_PID JAVA_URI
}

java_stop() {
	_servers_end "${JAVA_PID-}" java TERM && unset JAVA_PID
}

_mongod_is_ready() {
	[[ -S $MONGOD_DIR/mongodb-$MONGOD_PORT.sock ]]
}

# The socket appears when it listens. A port that somebody took meanwhile makes it end: another one is tried.
mongod_start() {
	[[ -n ${1-} ]] || _servers_fail 'mongod_start: no directory' || return
	if [[ -n ${EVTRAIL_TEST_MONGODB_URI-} ]]; then
		MONGO_URI=$EVTRAIL_TEST_MONGODB_URI
		export MONGO_URI
		return
	fi
	command -v mongod >/dev/null || return 77
	mkdir -p "$1/mongod" || return
	MONGOD_DIR=$(cd "$1/mongod" && pwd)
	for _ in 1 2 3; do
		MONGOD_PORT=$((20000 + RANDOM % 12000))
		mongod --dbpath "$MONGOD_DIR" --bind_ip 127.0.0.1 --port "$MONGOD_PORT" --unixSocketPrefix "$MONGOD_DIR" \
			</dev/null >>"$MONGOD_DIR/mongod.log" 2>&1 3>&- &
		MONGOD_PID=$!
		disown
		if _servers_await "$MONGOD_PID" mongod "$MONGOD_DIR/mongod.log" _mongod_is_ready; then
			MONGO_URI=mongodb://127.0.0.1:$MONGOD_PORT/
			export MONGO_URI
			return
		fi
		_servers_end "$MONGOD_PID" mongod KILL
	done
	return 1
}

mongod_stop() {
	_servers_end "${MONGOD_PID-}" mongod TERM && unset MONGOD_PID
}

servers_start() {
	nats_start "$1" || return
	ferret_start "$1" || { nats_stop; return 1; }
}

servers_stop() {
	local result=0
	nats_stop || result=1
	ferret_stop || result=1
	java_stop || result=1
	mongod_stop || result=1
	return "$result"
}

# load_recording RECDIR [DB]: into the servers that run.
load_recording() {
	"$EVTRAIL_SERVERS/loadrec" --nats "$NATS_URL" --mongo "$MONGO_URI" --db "${2:-eventStore_db}" "$1"
}
