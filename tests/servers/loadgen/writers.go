// SPDX-License-Identifier: Apache-2.0
package main

import "time"

// The hub's replicas: of two of them either may write an event.

// twoWriters tells whether it matters which replica writes.
func (w *world) twoWriters() bool { return w.o.trap.replicaClock > 0 || w.o.trap.outages > 0 }

// skew is how far the writer's clock is ahead.
func (w *world) skew() int64 {
	if !w.second {
		return 0
	}
	return int64(w.o.trap.replicaClock)
}

// breakOff cuts the second replica off from the stream, not from the store.
func (w *world) breakOff(int) error {
	w.offUntil = w.now + int64(w.o.trap.outageTime)
	return nil
}

// post sends a message when the writers and their connections let it through.
func (w *world) post(a *aggregate, e *saved, m parcel) error {
	t := &w.o.trap
	switch {
	case a.family == linksFamily && w.r.chance(t.lateLinks):
		w.truth.reordered++
		w.out.until(e.time+1+int64(w.r.float()*float64(t.delay)), m)
		return nil
	case !w.mayVary(a, e):
		// Nothing that other proofs rest on is late.
	case w.second && e.time < w.offUntil:
		w.truth.reordered++
		w.out.until(w.offUntil, m)
		return nil
	case w.r.chance(t.delayed):
		w.truth.reordered++
		w.out.until(e.time+1+int64(w.r.float()*float64(t.delay)), m)
		return nil
	case a.behind == nil && w.r.chance(t.swapped):
		w.truth.reordered++
		m.body = append([]byte(nil), m.body...)
		a.behind = &m
		return nil
	}
	a.onTime = true
	if err := w.out.pass(m); err != nil {
		return err
	}
	return w.postBehind(a)
}

// postBehind lets the message go that the next one has overtaken.
func (w *world) postBehind(a *aggregate) error {
	if a.behind == nil {
		return nil
	}
	m := *a.behind
	a.behind = nil
	return w.out.pass(m)
}

// end sends what is late still, unless the history goes on in another run.
func (w *world) end(stopped bool) error {
	if stopped && !w.o.trap.deliver {
		w.missTheLate()
		return w.out.close()
	}
	for _, d := range w.devices {
		for _, a := range d.all {
			if err := w.postBehind(a); err != nil {
				return err
			}
		}
	}
	return w.out.finish()
}

// missTheLate: what waits is missing as long as nobody sends it.
func (w *world) missTheLate() {
	for _, d := range w.devices {
		for _, a := range d.all {
			for _, r := range a.rows {
				if r.seq == 0 && a.lost[r.version] == nil {
					w.truth.addLost(&lostRecord{
						aggregate: a, version: r.version, kind: r.kind, time: r.time, owner: d.owner, why: "late",
					})
				}
			}
		}
	}
}

// downtime is what an operator needs to get the store going again.
const downtime = time.Minute

// pauseAll lets nothing happen for a while.
func (w *world) pauseAll(pause time.Duration) {
	for i := range w.queue {
		w.queue[i].time += int64(pause)
	}
}
