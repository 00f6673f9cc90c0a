package main

import "encoding/binary"

// message writes one protobuf message, fields in the order of the calls.
// As in proto3, zero values are left out.
type message struct{ b []byte }

const (
	varintType = 0
	bytesType  = 2
)

func (m *message) key(field, wireType int) {
	m.b = binary.AppendUvarint(m.b, uint64(field)<<3|uint64(wireType))
}

func (m *message) number(field int, v uint64) {
	if v != 0 {
		m.always(field, v)
	}
}

// always is for members of a oneof, where zero says something.
func (m *message) always(field int, v uint64) {
	m.key(field, varintType)
	m.b = binary.AppendUvarint(m.b, v)
}

func (m *message) boolean(field int, v bool) {
	if v {
		m.always(field, 1)
	}
}

func (m *message) text(field int, v string) {
	if v != "" {
		m.element(field, v)
	}
}

// element is one string of a repeated field: it may be empty.
func (m *message) element(field int, v string) {
	m.key(field, bytesType)
	m.b = binary.AppendUvarint(m.b, uint64(len(v)))
	m.b = append(m.b, v...)
}

func (m *message) elements(field int, values []string) {
	for _, v := range values {
		m.element(field, v)
	}
}

func (m *message) bytes(field int, v []byte) {
	if len(v) > 0 {
		m.embed(field, v)
	}
}

// embed takes a message that was encoded before, byte for byte.
func (m *message) embed(field int, v []byte) {
	m.key(field, bytesType)
	m.b = binary.AppendUvarint(m.b, uint64(len(v)))
	m.b = append(m.b, v...)
}

// open begins an embedded message; close, given its result, ends it.
func (m *message) open(field int) int {
	m.key(field, bytesType)
	m.b = append(m.b, 0)
	return len(m.b)
}

// close inserts the length. One byte was reserved for it; only a content of
// 128 bytes and more has to move.
func (m *message) close(start int) {
	length := uint64(len(m.b) - start)
	if length < 0x80 {
		m.b[start-1] = byte(length)
		return
	}
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], length)
	m.b = append(m.b, prefix[:n-1]...)
	copy(m.b[start+n-1:], m.b[start:len(m.b)-(n-1)])
	copy(m.b[start-1:], prefix[:n])
}

func (m *message) pairs(field int, values []pair) {
	for _, v := range values {
		start := m.open(field)
		m.text(1, v.key)
		m.text(2, v.value)
		m.close(start)
	}
}

type pair struct{ key, value string }
