#!/usr/bin/env bats
# Where an audit reads the EventStore from: --store mongodb, or dump:FILE.

setup() {
	load helper
	cli_setup
	cd "$BATS_TEST_TMPDIR" || return
	dump=$BATS_TEST_DIRNAME/../data/current/eventStore_db.devices_events.bson
	# Neither is there: whoever asks one of them fails.
	offline=(--connect-timeout 1s --nats-url nats://127.0.0.1:1 --mongo-uri mongodb://127.0.0.1:1)
}

# refused STORE PART...: exit status 2, with a hint, and nothing was done.
refused() {
	local store=$1
	shift
	et 2 "${offline[@]}" audit --no-snapshot --store "$store"
	says "$stderr" --store 'hint: ' "$@"
	same stdout "$output" ''
	[[ ! -e $state ]]
}

@test "a store that is neither is refused" {
	refused postgres "'postgres'" mongodb dump:FILE --mongo-uri
	refused mongodb://127.0.0.1 mongodb dump:FILE
	refused DUMP:x.bson dump:FILE
}

@test "a dump that is not there is named, before anything is done" {
	refused dump:none.bson "'none.bson'" 'No such file' mongodump
	refused dump: 'names no file' mongodump
	refused dump:. "'.'" 'no file' mongodump
}

@test "a file that is no dump is refused, and says what it must be" {
	printf 'sequence,time\n1,2\n' >table.csv
	et 3 "${offline[@]}" audit --no-snapshot --store dump:table.csv
	says "$stderr" table.csv 'byte 0' 'hint: ' mongodump
	head -c 1000 "$dump" >cut.bson
	et 3 "${offline[@]}" audit --no-snapshot --store dump:cut.bson
	says "$stderr" cut.bson 'no document'
	gzip -c "$dump" >devices_events.bson.gz
	et 3 "${offline[@]}" audit --no-snapshot --store dump:devices_events.bson.gz
	says "$stderr" devices_events.bson.gz 'not compressed'
}

@test "the dump of another collection is refused" {
	local other=$BATS_TEST_DIRNAME/../data/current/ownersDevices_db.userdevices.bson
	et 3 "${offline[@]}" audit --no-snapshot --store "dump:$other"
	says "$stderr" "$other" aggregateid
}

@test "a dump needs no server; a relative path is one of the current directory" {
	mkdir sub
	cp "$dump" sub/events.bson
	et 5 "${offline[@]}" --json audit --no-snapshot --store dump:sub/events.bson
	same verdict "$(field .verdict)" incomplete
	says "$(field '.notes[]')" 'no message of stream EVENTS is archived'
	# Without a dump the server is asked.
	et 3 "${offline[@]}" audit --no-snapshot
	says "$stderr" 127.0.0.1:1
	et 3 "${offline[@]}" audit --no-snapshot --store mongodb
	says "$stderr" 127.0.0.1:1
}

@test "an empty dump compares nothing, and the note names --store" {
	: >empty.bson
	et 5 "${offline[@]}" --json audit --no-snapshot --store dump:empty.bson
	says "$(field '.notes[]')" empty.bson 'is empty' --store
}

@test "configuration and environment name a dump as well" {
	printf 'store = dump:none.bson\n' >evtrail.conf
	et 2 "${offline[@]}" --config evtrail.conf audit --no-snapshot
	says "$stderr" none.bson
	EVTRAIL_STORE=dump:other.bson et 2 "${offline[@]}" --config evtrail.conf audit --no-snapshot
	says "$stderr" other.bson
	# It is about audits: other commands have no use for it.
	et 2 info --store mongodb
	says "$stderr" --store info
}
