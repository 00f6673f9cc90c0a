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
	says "$stderr" cut.bson 'inside a document'
	# Packed, by what nobody unpacks here; and packed twice.
	bzip2 -c "$dump" >devices_events.bson.bz2 2>/dev/null || printf 'BZh91AY&SY' >devices_events.bson.bz2
	et 3 "${offline[@]}" audit --no-snapshot --store dump:devices_events.bson.bz2
	says "$stderr" devices_events.bson.bz2 'no dump' 'hint: ' gzip zstd
	gzip -c "$dump" | zstd -q -c >devices_events.bson.gz.zst
	et 3 "${offline[@]}" audit --no-snapshot --store dump:devices_events.bson.gz.zst
	says "$stderr" devices_events.bson.gz.zst 'no dump' 'of what it holds'
}

# taken FILE: it is read to its end, and only then is said what is missing.
taken() {
	et 5 "${offline[@]}" --json audit --no-snapshot --store "dump:$1"
	says "$(field '.notes[]')" 'no message of stream EVENTS is archived'
}

# broken FILE PART...: exit status 3, and it names the file.
broken() {
	et 3 "${offline[@]}" audit --no-snapshot --store "dump:$1"
	same stdout "$output" ''
	says "$stderr" "'$1'" "${@:2}"
}

@test "a dump may be packed by gzip or zstd, which its content tells and not its name" {
	gzip -c "$dump" >devices_events.bson.gz
	taken devices_events.bson.gz
	zstd -q -c "$dump" >devices_events.bson.zst
	taken devices_events.bson.zst
	cp devices_events.bson.gz events.bson
	taken events.bson
	cp devices_events.bson.zst events.gz
	taken events.gz
	cp "$dump" events.zst
	taken events.zst
}

@test "several gzip members or zstd frames are one dump, also in the middle of a document" {
	{
		head -c 1000 "$dump" | gzip -c
		tail -c +1001 "$dump" | head -c 100000 | gzip -1 -c
		tail -c +101001 "$dump" | gzip -9 -c
	} >members.gz
	gzip -dc members.gz | cmp - "$dump"
	taken members.gz
	{
		head -c 1000 "$dump" | zstd -q -c
		printf '\x50\x2a\x4d\x18\x03\x00\x00\x00abc'
		tail -c +1001 "$dump" | zstd -q -19 -c
	} >frames.zst
	zstd -q -dc frames.zst | cmp - "$dump"
	taken frames.zst
}

@test "a packed dump that is cut off, damaged, or goes on with something else is an error" {
	local name half
	gzip -c "$dump" >whole.gz
	zstd -q -c "$dump" >whole.zst
	for name in gz zst; do
		half=$(($(stat -c %s whole.$name) / 2))
		head -c -1 whole.$name >"cut.$name"
		broken "cut.$name" 'cut off'
		head -c "$half" whole.$name >"half.$name"
		broken "half.$name" 'cut off'
		{
			cat whole.$name
			head -c "$half" whole.$name
		} >"cut-second.$name"
		broken "cut-second.$name" 'cut off'
		{
			cat whole.$name
			printf '\0'
		} >"zero.$name"
		broken "zero.$name"
		{
			cat whole.$name
			printf 'more than that\n'
		} >"more.$name"
		broken "more.$name"
		cp whole.$name damaged.$name
		printf 'damage' | dd of="damaged.$name" bs=1 seek="$half" conv=notrunc status=none
		broken "damaged.$name"
	done
	# Whole as a file, and the dump in it is not.
	head -c 1000 "$dump" | gzip -c >inside.gz
	broken inside.gz 'inside a document'
	{
		cat "$dump"
		printf 'x'
	} | zstd -q -c >behind.zst
	broken behind.zst 'no document'
}

@test "a window that would take too much memory is refused, and how to unpack it is said" {
	# A frame that holds nothing and asks for 256 MiB.
	printf '\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00' >large.zst
	et 7 "${offline[@]}" audit --no-snapshot --store dump:large.zst
	says "$stderr" large.zst '128 MiB' 'hint: ' 'zstd -d --long'
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
