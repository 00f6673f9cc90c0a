// SPDX-License-Identifier: Apache-2.0
package main

import (
	"container/heap"
	"maps"
	"slices"
)

// A store that goes back: what was saved since is forgotten, and its numbers are used again.

// memory is the store as it was once.
type memory struct {
	devices    map[*device]standing
	aggregates map[*aggregate]state
}

func (w *world) remember() *memory {
	m := &memory{map[*device]standing{}, map[*aggregate]state{}}
	for _, d := range w.devices {
		if !d.born || d.deleted {
			continue
		}
		m.devices[d] = d.standing
		for _, a := range d.all {
			s := a.state
			s.stored = slices.Clone(s.stored) // truncation works in place
			m.aggregates[a] = s
		}
	}
	return m
}

// crashMemory is how many saves a crash takes back, about.
const crashMemory = 40

// rememberCrash: what is saved from now on was never written to the disk. One crash after the other.
func (w *world) rememberCrash(i int) error {
	if w.unwritten != nil {
		w.at(w.saved+crashMemory, func() error { return w.rememberCrash(i) })
		return nil
	}
	m := w.remember()
	w.unwritten = m
	w.at(w.saved+crashMemory, func() error {
		if w.unwritten == m {
			w.crash()
		}
		return nil
	})
	return nil
}

// crash leaves the devices alone that came or went meanwhile.
func (w *world) crash() {
	w.pauseAll(downtime)
	for _, d := range w.devices {
		if _, known := w.unwritten.devices[d]; known && !d.deleted {
			w.goBack(d, w.unwritten)
		}
	}
	w.unwritten = nil
}

func (w *world) backUp() error {
	w.backup = w.remember()
	return nil
}

// restoreBackup: devices that came since are gone, and those that went since are back.
func (w *world) restoreBackup() error {
	w.unwritten = nil
	w.pauseAll(downtime)
	for _, d := range slices.Clone(w.devices) {
		_, known := w.backup.devices[d]
		switch {
		case known && d.deleted:
			w.riseAgain(d)
		case known:
			w.goBack(d, w.backup)
		case d.born && !d.deleted:
			w.loseDevice(d)
		}
	}
	return nil
}

// riseAgain: its documents are there again. A device that has come back since may go on with them.
func (w *world) riseAgain(d *device) {
	w.goBack(d, w.backup)
	d.deleted, d.deathAt = false, 0
	alive := false
	for _, other := range w.devices {
		if other.id == d.id && other != d {
			alive = alive || (other.born && !other.deleted)
			other.tangled, d.tangled = true, true
			other.vanish()
		}
	}
	if alive && w.o.trap.risenGoOn {
		d.last = w.now
		heap.Push(&w.queue, turn{w.now + int64(w.pause), slices.Index(w.devices, d)})
	}
}

// loseDevice: one of three is gone, one is onboarded again, and one goes on, at version 0; unless an
// earlier life of it is back.
func (w *world) loseDevice(d *device) {
	d.last = max(d.last, w.now)
	d.vanish()
	d.silent = true
	d.ownedStill = !w.o.trap.restoreOwners
	w.truth.vanished = append(w.truth.vanished, d)
	if d.life > 1 {
		return
	}
	switch len(w.truth.vanished) % 3 {
	case 1:
		d.comesBack = true
		w.comeAgain(d)
	case 2:
		d.comesBack = true
		w.goOnAtZero(d)
	}
}

func (w *world) goBack(d *device, m *memory) {
	d.tangled = d.tangled || d.reused
	d.standing = m.devices[d]
	for _, a := range d.all {
		was := m.aggregates[a]
		if a.next != was.next || d.deleted {
			a.goBack(was)
		}
	}
}

func (a *aggregate) goBack(to state) {
	if a.next > to.next {
		a.branches = append(a.branches, to.next)
		a.again = true
	}
	to.stored = slices.Clone(to.stored)
	a.state = to
	// What was lost since is nobody's any more.
	maps.DeleteFunc(a.lost, func(v uint64, _ *lostRecord) bool { return v >= to.next })
	maps.DeleteFunc(a.unannounced, func(v uint64, _ *unannouncedRecord) bool { return v >= to.next })
}

// reset: the document is full, the hub crashes before the next one is there, and then it finds
// none that is active.
func (w *world) reset(int) error {
	var chosen *aggregate
	d := w.pick(func(d *device) bool { return livesOn(d) && outgrowing(d) != nil })
	if d == nil {
		return nil
	}
	chosen = outgrowing(d)
	w.truth.resets = append(w.truth.resets, chosen)
	chosen.outgrown = chosen.stored
	d.open = slices.DeleteFunc(slices.Clone(d.open), func(c command) bool { return c.aggregate == chosen })
	chosen.goBack(state{})
	d.reused = true
	return nil
}

// giveUp: the hub crashes at the same place, and nothing more comes.
func (w *world) giveUp(int) error {
	d := w.pick(func(d *device) bool { return livesOn(d) && outgrowing(d) != nil })
	if d != nil {
		a := outgrowing(d)
		a.inactive = true
		d.resources = slices.DeleteFunc(slices.Clone(d.resources), func(x *aggregate) bool { return x == a })
		d.open = slices.DeleteFunc(slices.Clone(d.open), func(c command) bool { return c.aggregate == a })
	}
	return nil
}

// outgrowing returns the resource with the most events, if it can have a second document.
func outgrowing(d *device) *aggregate {
	var most *aggregate
	for _, a := range d.resources {
		if len(a.stored) > 0 && a.stored[0].version > 0 && !a.fragile && (most == nil || a.next > most.next) {
			most = a
		}
	}
	return most
}
