#!/usr/bin/env bats
# Audits against the hub's gateway: gRPC by a real server, HTTP, and what goes wrong between.

setup() {
	load helper
	live_setup
	# shellcheck source=tests/servers/gateway/gateway.sh
	source "$BATS_TEST_DIRNAME/../servers/gateway/gateway.sh"
	local why
	! why=$(gateway_missing) || skip "$why"
	gw=$BATS_TEST_TMPDIR/gateway
	mkdir "$gw"
	printf '{"token-of-all-devices": "*", "token-of-one-owner": "1", "token-of-nobody": "nobody"}\n' >"$gw/tokens.json"
	printf 'token-of-all-devices\n' >"$gw/all"
	printf 'token-of-one-owner\n' >"$gw/one"
	printf 'token-of-nobody\n' >"$gw/nobody"
	printf 'a-wrong-token\n' >"$gw/wrong"
	findings=$BATS_TEST_TMPDIR/findings.jsonl
}

teardown() {
	gateway_stop
	live_teardown
}

# begin RECORDING: on the servers, and the gateway before them.
begin() {
	load_recording "$data/$1"
	gateway_start "$gw"
}

# form NAME: sets the options of that form in $form.
form() {
	case $1 in
	gateway) form=(--store gateway --gateway-url "$GATEWAY_GRPC") ;;
	gateway+http) form=(--store gateway+http --gateway-url "$GATEWAY_HTTP") ;;
	raw) form=(--store gateway --gateway-url "$GATEWAY_RAW") ;;
	esac
}

# gate STATUS TOKEN OPTION...: an audit by $form.
gate() {
	local status=$1 token=$2
	shift 2
	ev "$status" --gateway-ca "$gw/ca.crt" --gateway-token-file "$gw/$token" "$@" audit --settle 0s "${form[@]}"
}

# of_devices FILE LIST: the lost ones of a lost.jsonl or of findings whose device is on the list, as `lost` has them.
of_devices() {
	lost <(jq -c --rawfile list "$2" 'select(.device_id as $id | $list | split("\n") | index($id))' "$1")
}

# stored_devices [OWNER]: the devices that the store knows, by the identity store's own dump.
stored_devices() {
	"$GATEWAY_PYTHON" -c '
import sys, bson
for row in bson.decode_file_iter(open(sys.argv[1], "rb")):
    if len(sys.argv) == 2 or row["owner"] == sys.argv[2]:
        print(row["_id"])' "$@"
}

# nothing_cleared: the findings of the audit before are as open as they were.
nothing_cleared() {
	ev 1 --json audit --settle 0s --split --no-snapshot --findings "$findings.after"
	same 'findings that ended' "$(field '.resolved.late + .resolved.changed')" 0
	same findings "$(lost "$findings.after")" "$(lost "$data/current-kept/lost.jsonl")"
}

# the_same_as_mongodb RECORDING: in both forms the losses of all devices that the store has; the rest is not judged.
the_same_as_mongodb() {
	local name expected=$data/$1/expected.json wanted
	begin "$1"
	stored_devices "$data/$1/ownersDevices_db.userdevices.bson" >"$BATS_TEST_TMPDIR/devices"
	wanted=$(of_devices "$data/$1/lost.jsonl" "$BATS_TEST_TMPDIR/devices")
	same 'losses of stored devices' "$(wc -l <<<"$wanted")" "$(jq .lost_in_store "$expected")"
	for name in gateway gateway+http; do
		form "$name"
		gate 1 all --json --state "$state.$name" --split --findings "$findings.$name"
		diff <(printf '%s\n' "$wanted") <(lost "$findings.$name")
		same other "$(jq -r 'select(.code != "lost") | .code' "$findings.$name")" ''
		same sums_hold "$(field .sums_hold)" true
		for count in expected matched truncated covered lost_in_store duplicate registrations messages; do
			same "$name: $count" "$(field ".counts.$count")" "$(jq ".$count" "$expected")"
		done
		same "$name: not judged" "$(field .counts.not_judged)" "$(jq .deleted_device "$expected")"
		same "$name: unannounced" "$(field .counts.unannounced)" "$(jq '.unannounced // 0' "$expected")"
		for count in deleted_device ahead store_lost forked lost_deleted malformed_document never_published; do
			same "$name: $count" "$(field ".counts.$count")" 0
		done
		says "$(field '.notes[]')" 'aggregates of devices that the gateway does not show were not judged'
	done
}

@test "both forms find what MongoDB finds: a hub of today" {
	the_same_as_mongodb current
}

@test "both forms find what MongoDB finds: a hub that keeps all events" {
	the_same_as_mongodb current-kept
}

@test "both forms find what MongoDB finds: a hub of the older generation" {
	the_same_as_mongodb older
}

@test "what the store holds of losses is recovered from the gateway, and rescued, as from MongoDB" {
	local name
	begin current-kept
	ev 1 audit --settle 0s --split
	for name in gateway gateway+http; do
		form "$name"
		gate 1 all --json --state "$state.$name" --split
		for count in exact rebuilt snapshot; do
			same "$name: $count" "$(field ".counts.recoverable_$count")" \
				"$(jq ".recoverable_$count // 0" "$data/current-kept/expected.json")"
		done
		et 0 --json --state "$state.$name" info
		same "$name: rescued" "$(field .rescue.copies)" "$("$program" --state "$state" --json info | jq .rescue.copies)"
	done
}

@test "contents are compared through the gateway, too, and are the same" {
	local name
	begin older
	for name in gateway gateway+http; do
		form "$name"
		gate 1 all --json --state "$state.$name" --full
		same "$name: lost" "$(field .counts.lost)" "$(jq .lost_in_store "$data/older/expected.json")"
		for count in differs broken_rule malformed_document; do
			same "$name: $count" "$(field ".counts.$count")" 0
		done
		same sums_hold "$(field .sums_hold)" true
	done
}

@test "what the token's owner does not own is not judged, and its findings stay open" {
	local wanted
	begin current
	ev 1 --json audit --settle 0s --split --findings "$findings"
	same losses "$(lost "$findings" | wc -l)" 112
	stored_devices "$data/current/ownersDevices_db.userdevices.bson" 1 >"$BATS_TEST_TMPDIR/mine"
	wanted=$(of_devices "$data/current/lost.jsonl" "$BATS_TEST_TMPDIR/mine")
	[[ -n $wanted ]]
	for name in gateway gateway+http; do
		form "$name"
		gate 1 one --json --split --findings "$findings.$name"
		diff <(printf '%s\n' "$wanted") <(lost "$findings.$name")
		same sums_hold "$(field .sums_hold)" true
		same 'findings that ended' "$(field '.resolved.late + .resolved.changed')" 0
		(($(field .counts.not_judged) > 1000))
		says "$(field '.notes[]')" "shows $(wc -l <"$BATS_TEST_TMPDIR/mine") of the" 'were not judged'
		for count in deleted_device store_lost ahead; do
			same "$count" "$(field ".counts.$count")" 0
		done
	done
	ev 1 --json audit --settle 0s --split --no-snapshot --findings "$findings.after"
	same 'findings that ended' "$(field '.resolved.late + .resolved.changed')" 0
	diff <(lost "$findings") <(lost "$findings.after")
}

@test "the gateway alone never says that the store lost something" {
	begin current-kept
	form gateway
	# Gone from a store whose device lives: MongoDB says it at the second sight.
	gate 1 all --json --split
	"$GATEWAY_PYTHON" -c '
import sys, pymongo
events = pymongo.MongoClient(sys.argv[1])["eventStore_db"]["devices_events"]
one = next(row for row in events.find() if len(row["events"]) > 5 and row["isactive"])
events.delete_one({"_id": one["_id"]})
print(one["latestversion"] + 1)' "$MONGO_URI" >"$BATS_TEST_TMPDIR/versions"
	sleep 1.1
	for _ in 1 2; do
		gate 1 all --json --split
		same store_lost "$(field .counts.store_lost)" 0
		(($(field .counts.ahead) >= $(<"$BATS_TEST_TMPDIR/versions") - 1))
		same sums_hold "$(field .sums_hold)" true
	done
}

@test "a token of nobody compares nothing: 5, and no all-clear" {
	begin current-kept
	ev 1 audit --settle 0s --split --findings "$findings"
	for name in gateway gateway+http; do
		form "$name"
		gate 5 nobody --json
		says "$(field '.notes[]')" 'nothing was compared' 'owner?'
		same lost "$(field .counts.lost)" 0
		same sums_hold "$(field .sums_hold)" true
	done
	nothing_cleared
}

@test "a wrong token: 3, a hint, and nothing is cleared; no token is ever shown" {
	begin current-kept
	ev 1 audit --settle 0s --split --findings "$findings"
	for name in gateway gateway+http raw; do
		form "$name"
		gate 3 wrong --json
		same verdict "$(field .verdict)" unreachable
		says "$stderr" 'hint: ' --gateway-token-file
		[[ $output$stderr != *a-wrong-token* ]]
	done
	form raw
	gateway_fault echo 0 0
	gate 3 all -v
	says "$stderr" 'cannot use token ***'
	[[ $output$stderr != *token-of-all* ]]
	gateway_fault
	run ! grep -rqF token-of-all "$state"
	nothing_cleared
}

@test "an expired deadline: 3, and nothing is cleared" {
	begin current-kept
	ev 1 audit --settle 0s --split --findings "$findings"
	gateway_fault slow 3 0
	for name in gateway gateway+http; do
		form "$name"
		gate 3 all --gateway-timeout 500ms
		says "$stderr" 'hint: ' --gateway-timeout
	done
	gateway_fault
	nothing_cleared
}

# each_breaks NAME=WORDS...: with each of these faults an audit by $form ends with 3, and says so.
each_breaks() {
	local one
	for one; do
		gateway_fault "${one%%=*}" 2 0
		gate 3 all || { printf 'fault: %s\n' "$one"; return 1; }
		says "$stderr" "$GATEWAY_HOST" device "${one#*=}" || { printf 'fault: %s\n' "$one"; return 1; }
	done
	gateway_fault
}

@test "gRPC that is cut, broken or garbage: 3, and nothing is cleared" {
	begin current-kept
	ev 1 audit --settle 0s --split --findings "$findings"
	GATEWAY_HOST=127.0.0.1
	form raw
	each_breaks 'cut=in the middle of a message' 'cut-prefix=in the middle of a message' \
		'no-trailer=without a status' 'reset-stream=breaks off' 'reset=reset by peer' \
		'error=INTERNAL (13): cannot receive event: 100% of it?is gone %zz' 'status-word=UNKNOWN' \
		'huge=4194305 bytes' 'compressed=compressed' 'garbage=no gRPC message' \
		'no-protobuf=no event of the gateway' 'stranger=another one' 'status=status 503' 'page=no gRPC'
	form gateway
	each_breaks 'error=INTERNAL (13): cannot receive event'
	nothing_cleared
}

@test "HTTP that is cut, broken or garbage: 3, and nothing is cleared" {
	begin current-kept
	ev 1 audit --settle 0s --split --findings "$findings"
	GATEWAY_HOST=127.0.0.1
	form gateway+http
	each_breaks 'cut=breaks off' 'cut-line=in the middle of a line' 'no-end=breaks off' 'reset=reset by peer' \
		'error=INTERNAL (13): cannot receive event' 'garbage=no line of JSON' 'huge=larger than' \
		'endless=neither a length' 'unavailable=status 503: no connection to resource-directory' \
		'page=no line of JSON' 'lossy=resource'
	nothing_cleared
}

@test "an answer that breaks off once or twice is asked for again" {
	local name fault
	begin current-kept
	stored_devices "$data/current-kept/ownersDevices_db.userdevices.bson" >"$BATS_TEST_TMPDIR/devices"
	for name in raw gateway+http; do
		for fault in cut reset error; do
			form "$name"
			gateway_fault "$fault" 3 2
			gate 1 all --json --state "$state.$name.$fault" --split --findings "$findings"
			diff <(of_devices "$data/current-kept/lost.jsonl" "$BATS_TEST_TMPDIR/devices") <(lost "$findings")
			same sums_hold "$(field .sums_hold)" true
		done
	done
}

@test "certificates: an unknown authority, a missing client certificate, another host" {
	begin current-kept
	form gateway
	for name in gateway gateway+http; do
		form "$name"
		ev 3 --gateway-ca "$gw/other-ca.crt" --gateway-token-file "$gw/all" audit --settle 0s "${form[@]}"
		says "$stderr" certificate 'hint: ' --gateway-ca
		# Without a CA the system's authorities count.
		ev 3 --gateway-token-file "$gw/all" audit --settle 0s "${form[@]}"
		says "$stderr" certificate 'hint: '
	done
	for name in gateway="$GATEWAY_GRPC_MTLS" gateway+http="$GATEWAY_HTTP_MTLS"; do
		form=(--store "${name%%=*}" --gateway-url "${name#*=}")
		gate 3 all
		says "$stderr" 'hint: '
		gate 1 all --gateway-cert "$gw/client.crt" --gateway-key "$gw/client.key"
		cat "$gw/client.crt" "$gw/client.key" >"$gw/both.pem"
		gate 1 all --gateway-cert "$gw/both.pem"
	done
}

@test "the wrong kind of gateway, and none at all: 3, and the hint names the other one" {
	begin current-kept
	form=(--store gateway --gateway-url "$GATEWAY_HTTP")
	gate 3 all
	says "$stderr" 'hint: ' gateway+http
	form=(--store gateway+http --gateway-url "$GATEWAY_RAW")
	gate 3 all
	says "$stderr" 'hint: '
	form=(--store gateway+http --gateway-url "$GATEWAY_HTTP/elsewhere")
	gate 3 all
	says "$stderr" 'status 404' 'hint: '
	form=(--store gateway --gateway-url "https://127.0.0.1:$NATS_PORT")
	gate 3 all --connect-timeout 1s
	form=(--store gateway --gateway-url https://127.0.0.1:1)
	gate 3 all --connect-timeout 1s
	says "$stderr" 127.0.0.1:1 'hint: '
	listen_silently
	form=(--store gateway --gateway-url "https://127.0.0.1:$port")
	gate 3 all --connect-timeout 1s
	kill "$listener"
}

@test "a signal ends an audit that waits for the gateway at once: 5" {
	local pid began
	begin current-kept
	form raw
	ev 0 snapshot
	gateway_fault wait 2 0
	began=$SECONDS
	"$program" --state "$state" --nats-url "$NATS_URL" --gateway-ca "$gw/ca.crt" --gateway-token-file "$gw/all" \
		audit --no-snapshot --settle 0s "${form[@]}" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	until [[ -e $gw/waiting ]]; do sleep 0.05; done
	kill -TERM "$pid"
	wait "$pid" || status=$?
	same status "$status" 5
	((SECONDS - began < 30))
}

@test "the story of a version: what the gateway has, and of what it does not show that it is not judged" {
	local key foreign
	begin current
	ev 0 snapshot
	stored_devices "$data/current/ownersDevices_db.userdevices.bson" 1 >"$BATS_TEST_TMPDIR/mine"
	key=$(of_devices "$data/current/lost.jsonl" "$BATS_TEST_TMPDIR/mine" | jq -r '"\(.[0])@\(.[1])"' | head -n 1)
	foreign=$(jq -r --rawfile list "$BATS_TEST_TMPDIR/mine" \
		'select(.device_id as $id | $list | split("\n") | index($id) | not) | "\(.aggregate_id)@\(.version)"' \
		"$data/current/lost.jsonl" | head -n 1)
	for name in gateway gateway+http; do
		form "$name"
		ev 1 --json --gateway-ca "$gw/ca.crt" --gateway-token-file "$gw/one" audit --settle 0s "${form[@]}" --explain "$key"
		same code "$(field .code)" lost
		ev 0 --json --gateway-ca "$gw/ca.crt" --gateway-token-file "$gw/one" audit --settle 0s "${form[@]}" --explain "$foreign"
		same code "$(field .code)" not_judged
		same rule "$(field .rule.name)" not_shown
	done
}
