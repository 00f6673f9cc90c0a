// SPDX-License-Identifier: Apache-2.0
package main

// row is what became of a message on the stream.
type row struct {
	version uint64
	time    int64 // of the event
	seq     uint64
	epoch   uint32 // to which an audit has to count it
	kind    kind
	bad     bool // it cannot be read
}

// on tells whether the archives have it.
func (r *row) on(t *trapOptions) bool {
	return r.seq > 0 && r.seq >= t.horizon && !t.holes.has(r.seq)
}

// newRow is for each copy of a message.
func (a *aggregate) newRow(e *saved) *row {
	r := &row{kind: e.kind, version: e.version, time: e.time}
	a.rows = append(a.rows, r)
	return r
}
