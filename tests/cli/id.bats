#!/usr/bin/env bats
# The identifiers that the hub derives, against Python's uuid5 and against what a hub wrote.

setup() {
	load helper
	cli_setup
	recorded=$BATS_TEST_DIRNAME/../data/current/lost.jsonl
	device=72efd443-c012-4747-90df-b3f9bb24effe
}

# uuid5 NAME: version 5 in the namespace of URLs.
uuid5() {
	python3 -c 'import sys, uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, sys.argv[1]))' "$1"
}

# id_is WANTED ARGUMENT...
id_is() {
	local wanted=$1
	shift
	et 0 id "$@"
	same "id $*" "$output" "$wanted"
	same stderr "$stderr" ''
}

@test "owner: a claim that is no UUID becomes one" {
	id_is "$(uuid5 alice@example.com)" owner alice@example.com
	id_is "$(uuid5 'auth0|5f7e')" owner 'auth0|5f7e'
	id_is "$(uuid5 жук)" owner жук
}

@test "owner: a UUID stays as it is written, in each form" {
	local claim
	for claim in 145935bc-7155-43c7-a764-90c3e0aa0b6a 145935BC-7155-43C7-A764-90C3E0AA0B6A \
		145935bc715543c7a76490c3e0aa0b6a urn:uuid:145935bc-7155-43c7-a764-90c3e0aa0b6a \
		'{145935bc-7155-43c7-a764-90c3e0aa0b6a}'; do
		id_is "$claim" owner "$claim"
	done
}

@test "owner: the nil UUID and what only looks like one become one" {
	local claim
	for claim in 00000000-0000-0000-0000-000000000000 145935bc-7155-43c7-a764-90c3e0aa0b6 \
		145935bc-7155-43c7-a764-90c3e0aa0b6g; do
		id_is "$(uuid5 "$claim")" owner "$claim"
	done
}

@test "href and aggregate are name based, the device id as given" {
	id_is "$(uuid5 /light/1)" href /light/1
	id_is "$(uuid5 "$device/light/1")" aggregate "$device" /light/1
	id_is "$(uuid5 "my device/light/1")" aggregate 'my device' /light/1
}

@test "the aggregate of a device's metadata is the one that a hub wrote" {
	local line
	line=$(jq -cn 'first(inputs | select(.true_type | startswith("devicemetadata")))' "$recorded")
	id_is "$(jq -r .aggregate_id <<<"$line")" aggregate "$(jq -r .device_id <<<"$line")" /plgd/s
}

@test "a subject that a hub wrote is taken apart" {
	local subject
	subject=$(jq -rn 'first(inputs | select(.true_type == "resourcechanged")).true_subject' "$recorded")
	et 0 --json id subject "$subject"
	same branch "$(field .branch)" resources
	same owner "$(field .owner)" "$(cut -d . -f 3 <<<"$subject")"
	same device "$(field .device)" "$(cut -d . -f 5 <<<"$subject")"
	same resource "$(field .resource)" "$(cut -d . -f 7 <<<"$subject")"
	same type "$(field .type)" resourcechanged
	same suffix "$(field .suffix)" ''
}

@test "a suffix of several tokens, and a subject of somebody else" {
	et 0 --json id subject "plgd.owners.O.devices.$device.resources.R.resourcechanged.leadrt.oic.r.switch.binary"
	same type "$(field .type)" resourcechanged
	[[ $(field .suffix) == *oic.r.switch.binary ]]
	et 0 id subject orders.created
	says "$output" 'not the hub'
}

@test "--json gives an object" {
	et 0 --json id owner alice@example.com
	same owner "$(field .owner)" "$(uuid5 alice@example.com)"
}

@test "too few or too many words are usage errors" {
	local words
	for words in '' owner 'owner a b' 'aggregate x' 'nonsense x'; do
		# shellcheck disable=SC2086
		et 2 id $words
		says "$stderr" 'hint: '
	done
}

@test "an empty claim, href, device or subject is a usage error" {
	et 2 id owner ''
	says "$stderr" empty
	same stdout "$output" ''
	et 2 id href ''
	et 2 id subject ''
	et 2 id aggregate '' /light/1
}
