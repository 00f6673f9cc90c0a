package main

import (
	"crypto/sha256"

	"github.com/golang/snappy"
)

// snapshotEvery is the older hub's snapshotThreshold.
const snapshotEvery = 16

// saved is an event between its save and its publish.
type saved struct {
	draft   *draft
	kind    kind
	version uint64
	time    int64
	raw     []byte
}

// save does what the hub does with one command or notification: the events
// get their versions and are stored in one write, the document is cut, and
// then they are published one by one.
func (w *world) save(a *aggregate, drafts ...*draft) error {
	w.batch = w.batch[:0]
	w.second = w.twoWriters() && w.r.chance(0.5)
	var s stamp
	for _, d := range drafts {
		s = w.stamp(a)
		raw := encode(a, d, s)
		a.apply(d, s, raw)
		a.stored = append(a.stored, storedEvent{kind: d.kind, version: s.version, time: s.time, raw: raw})
		w.batch = append(w.batch, saved{d, d.kind, s.version, s.time, raw})
	}
	a.sinceSnapshot += len(drafts)
	last := drafts[len(drafts)-1]
	if w.older() {
		w.addSnapshot(a, last)
	} else {
		replaceBySnapshot(a, s, last)
	}
	if err := w.live.keep(a); err != nil {
		return err
	}
	w.truncate(a)
	if err := w.live.keep(a); err != nil {
		return err
	}
	w.saved += len(w.batch)
	for i := range w.batch {
		if err := w.announce(a, &w.batch[i]); err != nil {
			return err
		}
	}
	return nil
}

// older tells which generation the hub is of, now.
func (w *world) older() bool {
	return w.o.older && (w.o.trap.upgrade == 0 || w.saved < int(w.o.trap.upgrade*float64(w.o.events)))
}

func (w *world) stamp(a *aggregate) stamp {
	d := a.device
	if w.live != nil {
		d.last = w.live.time(d.last)
	} else {
		d.last += int64(w.r.between(200_000, 3_000_000))
	}
	d.sequence++
	s := stamp{version: a.next, time: d.last + w.skew(), connection: d.connection, sequence: d.sequence, hub: w.hub}
	a.next++
	return s
}

// replaceBySnapshot: the current hub never stores the last event of a save,
// but the state after it, under the same version.
func replaceBySnapshot(a *aggregate, s stamp, last *draft) {
	snap := a.takeSnapshot(s, last.correlation)
	a.stored[len(a.stored)-1] = storedEvent{
		kind: a.family.snapshotKind(), version: s.version, time: snap.time, snap: snap,
	}
}

// addSnapshot: in the older hub a snapshot is an event of its own.
func (w *world) addSnapshot(a *aggregate, last *draft) {
	if a.sinceSnapshot < snapshotEvery {
		return
	}
	a.sinceSnapshot = 0
	s := w.stamp(a)
	snap := a.takeSnapshot(s, last.correlation)
	raw := encodeSnapshot(a, snap)
	k := a.family.snapshotKind()
	a.stored = append(a.stored, storedEvent{kind: k, version: s.version, time: snap.time, raw: raw, snap: snap})
	w.batch = append(w.batch, saved{&draft{kind: k, correlation: last.correlation}, k, s.version, snap.time, raw})
}

// truncate removes what is older than the newest snapshot. A document that
// will be shown as split keeps what its first part held.
func (w *world) truncate(a *aggregate) {
	if w.o.truncate == truncateFailing || (w.o.truncate == truncateSometimes && !w.r.chance(0.25)) {
		return
	}
	cut := lastSnapshot(a.stored)
	if a.split && cut > 0 {
		cut = max(0, lastSnapshot(a.stored[:cut]))
	}
	if cut > 0 {
		n := copy(a.stored, a.stored[cut:])
		clear(a.stored[n:])
		a.stored = a.stored[:n]
	}
}

// lastSnapshot returns -1 when there is none.
func lastSnapshot(events []storedEvent) int {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].snap != nil {
			return i
		}
	}
	return -1
}

// announce decides what becomes of a publish.
func (w *world) announce(a *aggregate, e *saved) error {
	if e.draft.forced {
		w.truth.addUnannounced(a, e)
		return nil
	}
	subject := w.subject(a) + e.kind.String() + w.suffix(a)
	if why := w.lossOf(a, e); why != "" {
		return w.lose(a, e, subject, why)
	}
	if w.spoiled < w.spoil && w.mayVary(a, e) && w.isProvable(a, e) {
		return w.sendSpoiled(a, e, subject)
	}
	w.data = snappy.Encode(w.data[:cap(w.data)], e.raw)
	w.body = envelope(w.body[:0], a, e.kind, e.version, w.data)
	if len(w.body) > maxPayload {
		return w.lose(a, e, subject, "max_payload")
	}
	a.again = false
	a.see(e.version)
	return w.send(a, e, subject)
}

// subject is what the events of an aggregate have in common, up to the type.
func (w *world) subject(a *aggregate) string {
	if w.o.trap.oldSubjects > 0 && w.saved < int(w.o.trap.oldSubjects*float64(w.o.events)) {
		return a.subjectWith(a.id)
	}
	return a.subject
}

func (w *world) lose(a *aggregate, e *saved, subject, why string) error {
	w.truth.addLost(&lostRecord{
		aggregate: a, version: e.version, kind: e.kind, subject: subject, time: e.time, owner: a.device.owner,
		length: len(e.raw), digest: sha256.Sum256(e.raw), pairs: len(e.draft.carrier), why: why,
	})
	return w.live.lose(a, e, why)
}

// send lets some messages come late and some come twice.
func (w *world) send(a *aggregate, e *saved, subject string) error {
	m := parcel{subject, w.body, a.newRow(e)}
	if w.live != nil {
		m.row.seq = uint64(w.saved) // it comes, be it late
		return w.live.publish(a, e, subject, w.body)
	}
	if w.r.chance(w.o.late) && w.mayVary(a, e) {
		w.truth.reordered++
		w.out.later(w.delay(), m)
	} else if err := w.post(a, e, m); err != nil {
		return err
	}
	if !w.r.chance(w.o.duplicates) {
		return nil
	}
	w.truth.addDuplicate(a, e, subject)
	m.row = a.newRow(e)
	if w.r.chance(0.5) {
		w.out.later(w.delay(), m)
		return nil
	}
	return w.out.pass(m)
}

// delay counts messages: mostly the few of a retry, sometimes those of a
// connection that came back.
func (w *world) delay() uint64 {
	if w.r.chance(0.8) {
		return uint64(w.r.between(1, 50))
	}
	return uint64(w.r.between(51, 5000))
}

// suffix is chosen by the event's own types, of which the last one leads.
func (w *world) suffix(a *aggregate) string {
	if !w.o.leadrt || a.family != resourceFamily || w.older() {
		return ""
	}
	if len(a.types) == 0 {
		return ".leadrt"
	}
	return ".leadrt." + a.types[len(a.types)-1]
}

// lossOf returns why the publish is dropped, or nothing.
func (w *world) lossOf(a *aggregate, e *saved) string {
	if w.isSilent(e.time) {
		a.device.linksLost = a.device.linksLost || a.family == linksFamily
		return "silence"
	}
	if a.family == linksFamily && w.r.chance(w.o.trap.lostLinks) {
		a.device.linksLost = true
		return "links"
	}
	if w.o.lost == 0 {
		return ""
	}
	why := w.misfortune(a.device)
	if why == "" || !w.mayVary(a, e) || !w.isProvable(a, e) {
		return ""
	}
	return why
}

const (
	// That share of the losses comes in a row, as when a connection breaks.
	outageShare  = 0.3
	outageLeast  = 5
	outageMost   = 20
	outageMiddle = (outageLeast + outageMost) / 2.0
)

func (w *world) misfortune(d *device) string {
	switch {
	case d.outage > 0:
		d.outage--
		return "outage"
	case w.r.chance(w.o.lost * outageShare / outageMiddle):
		d.outage = w.r.between(outageLeast, outageMost) - 1
		return "outage"
	case w.r.chance(w.o.lost * (1 - outageShare)):
		return "random"
	}
	return ""
}

// mayVary keeps safe what the proof of other losses rests on.
func (w *world) mayVary(a *aggregate, e *saved) bool {
	switch {
	case w.o.trap.loseAll:
		return true
	case e.draft.kept || a.again:
		return false
	case a.family == metadataFamily && e.version == 0:
		return false // the proof of the device's birth
	case a.family == linksFamily:
		return a.device.lossyLinks
	case a.fragile:
		return !e.kind.isPending() && !e.kind.isConfirmation()
	}
	return true
}

// isProvable leaves out losses that an audit may see, but could not tell from
// something else: this tool's lists are to be exact.
func (w *world) isProvable(a *aggregate, e *saved) bool {
	if w.o.trap.loseAll {
		return true
	}
	// Its confirmation would stand there without it, and so excuse the versions below the first one
	// that the stream has: the resource was linked somewhere among them.
	if e.kind.canBeForced() && (a.device.lossyLinks || !a.onTime || a.seenMin > 0) {
		return false
	}
	if !a.published && !w.showsItsHead(a.device) {
		return false
	}
	return w.o.lostSnapshots || !e.kind.isSnapshot()
}

// showsItsHead tells whether the loss of an aggregate's first events can be seen.
func (w *world) showsItsHead(d *device) bool {
	switch {
	case d.deathAt > 0:
		return false
	case d.registration == nil && d.life == 1:
		return w.o.trap.lostRegistrations > 0 // it cannot, and the counts say so
	}
	return true
}
