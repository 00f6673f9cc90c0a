// SPDX-License-Identifier: Apache-2.0
package main

import "github.com/golang/snappy"

// Messages that do not come through, or come as they should not be.

// maxPayload is what a nats-server takes by default.
const maxPayload = 1 << 20

// oversize is more than that, and random, so that snappy gains nothing.
const oversize = maxPayload + 100_000

// saveOversized: the hub stores up to 4 MiB.
func (w *world) saveOversized(int) error {
	d := w.pick(func(d *device) bool {
		return livesOn(d) && !d.mute && d.resources[0].published && !d.resources[0].fragile
	})
	if d == nil {
		return nil
	}
	d.last = max(d.last, w.now)
	a := d.resources[0]
	large := w.change(a, statusOK)
	large.content.data = make([]byte, oversize)
	w.r.fill(large.content.data)
	return w.save(a, large)
}

func (w *world) spoilNext(int) error {
	w.spoil++
	return nil
}

// sendSpoiled publishes something that cannot be read where the good event should be.
func (w *world) sendSpoiled(a *aggregate, e *saved, subject string) error {
	if err := w.lose(a, e, subject, "malformed"); err != nil {
		return err
	}
	data := snappy.Encode(nil, e.raw)
	var body []byte
	switch w.spoiled % 3 {
	case 0: // no envelope
		body = envelope(nil, a, e.kind, e.version, data)
		body = body[:len(body)-len(data)/2]
	case 1: // no data
		body = envelope(nil, a, e.kind, e.version, data[1:])
	case 2: // two that contradict each other
		body = envelope(nil, a, e.kind, e.version+1, data)
	}
	w.spoiled++
	r := a.newRow(e)
	r.bad = true
	return w.out.pass(parcel{subject, body, r})
}
