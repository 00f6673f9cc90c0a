package main

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

type uuid [16]byte

// urlSpace is the name space for URLs of RFC 9562.
var urlSpace = uuid{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

func (u uuid) String() string {
	var text [36]byte
	hex.Encode(text[0:], u[0:4])
	hex.Encode(text[9:], u[4:6])
	hex.Encode(text[14:], u[6:8])
	hex.Encode(text[19:], u[8:10])
	hex.Encode(text[24:], u[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func (u *uuid) mark(version byte) {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
}

func (r *random) uuid() uuid {
	var u uuid
	r.fill(u[:])
	u.mark(4)
	return u
}

// nameUUID is the UUIDv5 that the hub makes of hrefs, aggregates and owners.
func nameUUID(name string) string {
	sum := sha1.Sum(append(urlSpace[:], name...))
	u := uuid(sum[:16])
	u.mark(5)
	return u.String()
}

// ownerID keeps a claim that is a UUID in any form the hub's parser takes,
// as it is written; everything else, the nil UUID too, is hashed.
func ownerID(claim string) string {
	if u, ok := parseUUID(claim); ok && u != (uuid{}) {
		return claim
	}
	return nameUUID(claim)
}

func parseUUID(text string) (u uuid, ok bool) {
	switch len(text) {
	case 45:
		if !strings.EqualFold(text[:9], "urn:uuid:") {
			return u, false
		}
		text = text[9:]
	case 38:
		// The hub's parser does not look at what encloses it.
		text = text[1:37]
	case 32:
		_, err := hex.Decode(u[:], []byte(text))
		return u, err == nil
	}
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return u, false
	}
	_, err := hex.Decode(u[:], []byte(strings.ReplaceAll(text, "-", "")))
	return u, err == nil && strings.Count(text, "-") == 4
}
