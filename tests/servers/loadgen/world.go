package main

import (
	"container/heap"
	"fmt"
	"strings"
	"time"
)

// world generates everything; it is the only user of the random numbers, so
// that a seed gives one history whatever the sinks are.
type world struct {
	o       options
	r       *random
	out     *outlet
	truth   *truth
	hub     string
	owners  []owner
	devices []*device
	queue   agenda
	saved   int // events
	now     int64
	pause   float64 // ns between two steps of a device
	forced  int
	plans   []happening
	// The operator's, and that of a store which is about to crash.
	backup, unwritten *memory

	second bool // the second replica writes
	batch  []saved
	data   []byte // compressed event, reused
	body   []byte // envelope, reused
	// Until then the second replica does not reach the stream.
	offUntil int64
	spoil    int // of so many of the next messages the good one is never seen
	spoiled  int
	live     *live // nil: all at once
}

func newWorld(o options, out *outlet) *world {
	w := &world{o: o, r: newRandom(o.seed), out: out, truth: &truth{manyLives: o.secondLives > 0}}
	w.hub = w.r.uuid().String()
	w.data = make([]byte, 4096)
	w.makeOwners(1 + o.devices/20)
	for range o.devices {
		w.devices = append(w.devices, w.newDevice())
	}
	w.chooseDeaths()
	w.plan()
	return w
}

// makeOwners covers the forms of claims that the hub tells apart.
func (w *world) makeOwners(n int) {
	for i := range n {
		u := w.r.uuid()
		claim := u.String()
		switch i % 8 {
		case 1:
			claim = fmt.Sprint(i)
		case 2:
			claim = strings.ToUpper(claim)
		case 3:
			claim = strings.ReplaceAll(claim, "-", "")
		case 4:
			claim = fmt.Sprintf("auth0|%x", u[:12])
		case 5:
			claim = "urn:uuid:" + claim
		case 6:
			claim = "jörg.müller+" + fmt.Sprint(i) + "@example.com"
		case 7:
			if i == 7 {
				claim = uuid{}.String()
			}
		}
		w.owners = append(w.owners, owner{claim: claim, id: ownerID(claim), user: w.r.uuid().String()})
	}
}

func (w *world) newDevice() *device {
	return w.newLife(w.r.uuid().String(), 1)
}

// newLife: who comes back has nothing from before but the id.
func (w *world) newLife(id string, life int) *device {
	d := &device{
		id:        id,
		life:      life,
		owner:     &w.owners[w.r.below(len(w.owners))],
		serviceID: nameUUID(fmt.Sprint("coap-gateway-", w.r.below(3))),
		standing:  standing{twin: true},
	}
	w.reconnect(d)
	d.lossyLinks = w.r.chance(0.1)
	return d
}

func (w *world) reconnect(d *device) {
	d.connection = fmt.Sprintf("10.%d.%d.%d:%d", w.r.below(256), w.r.below(256), w.r.below(256), w.r.between(30000, 60000))
}

func (w *world) chooseDeaths() {
	order := make([]int, len(w.devices))
	for i := range order {
		j := w.r.below(i + 1)
		order[i] = order[j]
		order[j] = i
	}
	total := w.o.deleted + w.o.silent
	early := w.o.trap.earlyLives
	for i, n := range order[:total] {
		d := w.devices[n]
		d.deathAt = 1 + w.o.events/2 + w.r.below(1+w.o.events*45/100)
		d.silent = i >= w.o.deleted
		// Spread over both ways to go.
		d.comesBack = (i+1)*w.o.secondLives/total > i*w.o.secondLives/total
		if d.comesBack && !d.silent && early > 0 {
			d.early = true
			early--
		}
	}
}

// resourcesOf keeps an aggregate at some tens of events where it can.
func (w *world) resourcesOf() int {
	perDevice := w.o.events / w.o.devices
	n := min(10, max(1, perDevice/12))
	if n < 4 {
		return n
	}
	return w.r.between(n-1, n+1)
}

func (w *world) run() error {
	w.schedule()
	for len(w.queue) > 0 {
		if err := w.happen(); err != nil {
			return err
		}
		if w.o.trap.stop > 0 && w.saved >= w.o.trap.stop {
			return w.end(true)
		}
		d := w.devices[w.queue[0].device]
		w.now = w.queue[0].time
		if err := w.turn(d); err != nil {
			return err
		}
		if d.deleted || w.saved >= w.o.events {
			heap.Pop(&w.queue)
			continue
		}
		w.queue[0].time += int64(w.pause * (0.5 + w.r.float()))
		heap.Fix(&w.queue, 0)
	}
	return w.end(false)
}

// schedule lets all devices come in the first third of the time.
func (w *world) schedule() {
	steps := 0.75 * float64(w.o.events) / float64(w.o.devices)
	w.pause = 0.85 * float64(w.o.span) / max(1, steps)
	for i := range w.devices {
		w.queue = append(w.queue, turn{w.o.start + int64(w.r.float()*0.3*float64(w.o.span)), i})
	}
	heap.Init(&w.queue)
}

// newest is the time of the last event.
func (w *world) newest() time.Time {
	last := w.o.start
	for _, d := range w.devices {
		last = max(last, d.last)
	}
	return time.Unix(0, last).UTC()
}

// turn: at the end of the events each device gets a last one, in which it is
// born or dies when it has to.
func (w *world) turn(d *device) error {
	if d.deleted {
		return nil
	}
	d.last = max(d.last, w.now)
	full := w.saved >= w.o.events
	if !d.born {
		if err := w.birth(d); err != nil {
			return err
		}
	}
	switch {
	case d.deathAt > 0 && (full || w.saved >= d.deathAt):
		return w.death(d)
	case full:
		return nil
	}
	return w.step(d)
}

// death removes the documents, and says so unless the hub failed in the
// middle.
func (w *world) death(d *device) error {
	d.vanish()
	if d.early {
		return w.comeEarly(d)
	}
	if !d.silent {
		if _, err := w.register(d, false); err != nil {
			return err
		}
	}
	if d.comesBack {
		w.comeAgain(d)
	}
	return nil
}

// vanish removes the documents.
func (d *device) vanish() {
	d.deleted = true
	for _, a := range d.all {
		a.stored, a.outgrown, a.pendings, a.latest = nil, nil, nil, embedded{}
	}
}

func (w *world) comeAgain(d *device) {
	again := w.newLife(d.id, d.life+1)
	again.last = d.last + int64(w.pause)
	w.enter(again)
}

// enter gives the new life its place in the agenda, behind the old one.
func (w *world) enter(d *device) {
	w.truth.manyLives = true
	w.devices = append(w.devices, d)
	heap.Push(&w.queue, turn{d.last, len(w.devices) - 1})
}

// turn is an entry of the agenda, the calendar of all devices.
type turn struct {
	time   int64
	device int
}

type agenda []turn

func (q agenda) Len() int { return len(q) }

// Less is a total order: the heap must not leave anything to its own choice.
func (q agenda) Less(i, j int) bool {
	return q[i].time < q[j].time || (q[i].time == q[j].time && q[i].device < q[j].device)
}
func (q agenda) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *agenda) Push(x any)   { *q = append(*q, x.(turn)) }
func (q *agenda) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
