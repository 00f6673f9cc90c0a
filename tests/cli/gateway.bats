#!/usr/bin/env bats
# --store gateway without a gateway: what it needs is asked for before anything is done, and no token is shown.

secret=correct-horse-battery

setup() {
	load helper
	cli_setup
	printf '%s\n' "$secret" >"$BATS_TEST_TMPDIR/token"
	url=https://127.0.0.1:1
	token=(--gateway-token-file "$BATS_TEST_TMPDIR/token")
	offline=(--connect-timeout 1s --nats-url nats://127.0.0.1:1)
}

# refused PART... -- OPTION...: exit status 2, with these words, and nothing was done.
refused() {
	local parts=()
	while [[ $1 != -- ]]; do
		parts+=("$1")
		shift
	done
	shift
	et 2 "${offline[@]}" audit --no-snapshot "$@"
	says "$stderr" "${parts[@]}"
	same stdout "$output" ''
	[[ ! -e $state ]]
	[[ $stderr != *$secret* ]]
}

@test "a gateway needs an address and a token's file" {
	for store in gateway gateway+http; do
		refused "--store $store needs --gateway-url" 'hint: ' -- --store "$store" "${token[@]}"
		refused "--store $store needs --gateway-token-file" 'hint: ' -- --store "$store" --gateway-url "$url"
	done
	refused "'gateway+grpc'" gateway+http mongodb dump:FILE -- --store gateway+grpc --gateway-url "$url" "${token[@]}"
}

@test "the address is one of https, without a user, a query or a fragment, and is not shown when it is none" {
	for bad in "http://127.0.0.1:1" "https://me:$secret@127.0.0.1:1" "https://127.0.0.1:1/?token=$secret" \
		"https://127.0.0.1:1/#$secret" 127.0.0.1:1 "https://$secret:$secret:1" https:// "ftp://127.0.0.1/$secret"; do
		refused 'no address of a gateway' 'hint: ' https://HOST:PORT -- --store gateway --gateway-url "$bad" "${token[@]}"
	done
}

@test "a token is one line of a file that can be read, and says nothing that a header could not hold" {
	: >"$BATS_TEST_TMPDIR/empty"
	printf '%s\nx-evil: 1\n' "$secret" >"$BATS_TEST_TMPDIR/lines"
	printf '%s\t\n' "$secret" >"$BATS_TEST_TMPDIR/blank"
	printf '%s\r\n' "$secret" >"$BATS_TEST_TMPDIR/windows"
	gateway=(--store gateway --gateway-url "$url")
	refused "$BATS_TEST_TMPDIR/none" -- "${gateway[@]}" --gateway-token-file "$BATS_TEST_TMPDIR/none"
	refused 'is empty' -- "${gateway[@]}" --gateway-token-file "$BATS_TEST_TMPDIR/empty"
	refused 'holds blanks or line ends' -- "${gateway[@]}" --gateway-token-file "$BATS_TEST_TMPDIR/lines"
	refused 'holds blanks or line ends' -- "${gateway[@]}" --gateway-token-file "$BATS_TEST_TMPDIR/blank"
	et 3 "${offline[@]}" audit --no-snapshot "${gateway[@]}" --gateway-token-file "$BATS_TEST_TMPDIR/windows"
}

@test "the files of TLS must be there" {
	gateway=(--store gateway --gateway-url "$url" "${token[@]}")
	for option in --gateway-ca --gateway-cert; do
		refused "'$BATS_TEST_TMPDIR/none'" 'cannot be read' -- "${gateway[@]}" "$option" "$BATS_TEST_TMPDIR/none"
	done
	refused --gateway-cert -- "${gateway[@]}" --gateway-key "$BATS_TEST_TMPDIR/token"
	refused "key file '$BATS_TEST_TMPDIR/none'" -- "${gateway[@]}" --gateway-cert "$BATS_TEST_TMPDIR/token" \
		--gateway-key "$BATS_TEST_TMPDIR/none"
}

@test "a gateway that is not there: 3, its address, a hint, and no token in any output or file" {
	for store in gateway gateway+http; do
		et 3 "${offline[@]}" -v audit --no-snapshot --store "$store" --gateway-url "$url" "${token[@]}"
		says "$stderr" "$url" 'hint: '
		[[ $output$stderr != *$secret* ]]
		run ! grep -rqF "$secret" "$state"
	done
	# Nothing of it is in the arguments or the environment that others can see.
	et 0 help
	says "$output" '--gateway-token-file FILE'
	[[ ! $output =~ --gateway-token[\ =] ]]
}
