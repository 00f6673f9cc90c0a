package main

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestEmbeddedLengthsOfAnySize(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 128, 129, 16379, 16380, 16381, 16384, 1 << 21} {
		want := bytes.Repeat([]byte{7}, n)
		var m message
		outer := m.open(3)
		m.embed(1, want)
		m.close(outer)
		m.number(9, 1)

		_, _, tag := protowire.ConsumeTag(m.b)
		inner, length := protowire.ConsumeBytes(m.b[tag:])
		if length < 0 || tag+length+2 != len(m.b) {
			t.Fatalf("%d: the outer length is wrong", n)
		}
		_, _, tag = protowire.ConsumeTag(inner)
		got, length := protowire.ConsumeBytes(inner[tag:])
		if length != len(inner)-tag || !bytes.Equal(got, want) {
			t.Errorf("%d: the content differs", n)
		}
	}
}

func TestZeroIsLeftOutButInAOneof(t *testing.T) {
	var m message
	m.number(1, 0)
	m.text(2, "")
	m.bytes(3, nil)
	m.boolean(4, false)
	m.always(5, 0)
	m.element(6, "")
	if want := []byte{5 << 3, 0, 6<<3 | 2, 0}; !bytes.Equal(m.b, want) {
		t.Errorf("%x, want %x", m.b, want)
	}
}
