// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"reflect"
	"time"

	"evtrail.test/servers/store"
	"go.mongodb.org/mongo-driver/bson"
	mongooptions "go.mongodb.org/mongo-driver/mongo/options"
)

const (
	millisecond = int64(time.Millisecond)
	second      = int64(time.Second)
	// A publish that is later than this gets its lines in the log.
	worthTelling = second
	// Most publishes follow their save at once; of those that do not, some come about as late as
	// they can, and half keep the aggregate's next ones waiting. The others are overtaken.
	promptMost = 5 * millisecond
	lateShare  = 0.1
	holdShare  = 0.5
	// Time from one lost connection of the hub to the next. What is published meanwhile comes
	// when it is back.
	outageEvery = 60 * second
	// Where there are more aggregates than events in so many seconds, most keep a copy for longer
	// than audits are apart, and the busy ones do not.
	secondsPerEvent     = 18
	aggregatesPerDevice = 12
	// On a machine that is too slow the rate is not made up for beyond this.
	arrears = second
)

type liveOptions struct {
	duration  time.Duration
	rate      float64
	delayed   float64
	delayMost time.Duration
	log       string
}

func (o *liveOptions) flags(f *flag.FlagSet) {
	f.DurationVar(&o.duration, "live", 0, "be a hub in real time, for so long: each event is stored, and published after a while")
	f.Float64Var(&o.rate, "live-rate", 30, "events that it saves in a second")
	f.Float64Var(&o.delayed, "live-delayed", 0.1, "share of its publishes that do not come at once")
	f.DurationVar(&o.delayMost, "live-delay-most", 30*time.Second, "how late they are at most")
	f.StringVar(&o.log, "live-log", "", "file of what is lost or late, written as it happens")
}

// checkLive comes before check: it says how many events and devices there are.
func (o *options) checkLive() error {
	if o.live.duration == 0 {
		return nil
	}
	if o.devices == 0 {
		o.devices = max(1, int(o.live.rate*secondsPerEvent/aggregatesPerDevice))
	}
	o.events = max(int(o.live.rate*o.live.duration.Seconds()), 2*leastEvents*o.devices)
	switch {
	case o.live.duration < 0 || o.live.rate <= 0 || o.live.delayMost <= 0:
		return errors.New("--live, --live-rate and --live-delay-most are more than 0")
	case o.live.delayed < 0 || o.live.delayed > 1:
		return errors.New("--live-delayed is a share between 0 and 1")
	case o.late > 0 || o.duplicates > 0 || o.deleted > 0 || o.silent > 0 || o.services > 0 || o.ghosts > 0 || o.split:
		return errors.New("--live knows nothing of late, duplicates, deletes, services, ghosts and split")
	case !reflect.DeepEqual(o.trap, o.liveTraps()):
		return errors.New("of the traps --live knows only --bursts, --forced-later and --hub-clock")
	}
	return nil
}

// liveTraps are none but those that need no agenda.
func (o *options) liveTraps() trapOptions {
	var t trapOptions
	t.flags(flag.NewFlagSet("", flag.ContinueOnError))
	t.bursts, t.forcedLater, t.hubClock = o.trap.bursts, o.trap.forcedLater, o.trap.hubClock
	return t
}

// live is the hub in real time: an event is in the store when it is saved, and on the stream some
// time later, or never. All methods do nothing in a world that has none.
type live struct {
	w       *world
	clock   clock
	shelf   shelf
	log     *textFile
	r       *random // of the documents
	stored  map[*aggregate]extent
	watched map[*aggregate][]*watch
	held    map[*aggregate]int64
	waiting publications
	order   uint64
	calm    bool  // all is published at once
	back    int64 // end of the last outage
	outage  int64 // begin of the next one
}

// clock is the machine's, but in tests. Times are in ns.
type clock struct {
	now   func() int64
	sleep func(int64)
}

// shelf is where the documents are; one call is one atomic write.
type shelf interface {
	put(id string, document []byte) error
}

// extent is the versions that a stored document has.
type extent struct{ first, last uint64 }

// watch is an event of the log whose copy in the store is followed.
type watch struct {
	version uint64
	lost    bool
	word    string // of recoveryOf
	over    bool   // a later save was told
}

func (w *world) runLive() error {
	log, err := newTextFile(w.o.live.log)
	if err != nil {
		return err
	}
	w.live = newLive(w, log)
	w.live.clock = clock{
		now:   func() int64 { return time.Now().UnixNano() },
		sleep: func(ns int64) { time.Sleep(time.Duration(ns)) },
	}
	if w.o.mongo != "" {
		ctx := context.Background()
		client, err := store.Connect(ctx, w.o.mongo)
		if err != nil {
			return err
		}
		defer client.Disconnect(ctx)
		owners := &documentSink{ctx: ctx, client: client, database: w.o.ownersDB, collection: "userdevices"}
		if err := owners.fill("", w.ownerDocuments); err != nil {
			return err
		}
		collection := client.Database(w.o.db).Collection(store.EventsCollection)
		if err := store.Prepare(ctx, collection); err != nil {
			return err
		}
		w.live.shelf = &mongoShelf{ctx, collection}
	}
	return errors.Join(w.live.run(), log.close())
}

func newLive(w *world, log *textFile) *live {
	return &live{
		w: w, log: log, shelf: noShelf{}, r: newRandom(w.o.seed + 1),
		stored: map[*aggregate]extent{}, watched: map[*aggregate][]*watch{}, held: map[*aggregate]int64{},
	}
}

// run: first all devices come, so that whatever is missing later can be proved; then the hub lives.
func (l *live) run() error {
	l.calm = true
	for _, d := range l.w.devices {
		d.last = l.time(d.last)
		if err := l.w.birth(d); err != nil {
			return err
		}
	}
	l.calm = false
	began := l.clock.now()
	l.tell("begin").add("time", began).add("devices", len(l.w.devices)).add("saved", l.w.saved).write(l.log.out)
	if err := l.log.out.Flush(); err != nil {
		return err
	}
	l.outage = began + l.around(outageEvery)
	if err := l.goOn(began, began+int64(l.w.o.live.duration)); err != nil {
		return err
	}
	l.tell("end").add("time", l.clock.now()).add("saved", l.w.saved).write(l.log.out)
	return l.w.out.finish()
}

// goOn saves and publishes what is due, until the end and nothing waits any more.
func (l *live) goOn(next, end int64) error {
	for {
		now := l.clock.now()
		switch {
		case len(l.waiting) > 0 && l.waiting[0].due <= now:
			if err := l.emit(now); err != nil {
				return err
			}
		case next < end && next <= now:
			before := l.w.saved
			if err := l.step(now); err != nil {
				return err
			}
			pause := l.around(int64(float64(second) * float64(l.w.saved-before) / l.w.o.live.rate))
			next = max(next+pause, now-arrears)
		default:
			until := int64(math.MaxInt64)
			if next < end {
				until = next
			}
			if len(l.waiting) > 0 {
				until = min(until, l.waiting[0].due)
			}
			if until == math.MaxInt64 {
				return nil
			}
			l.clock.sleep(until - now)
		}
	}
}

// around is between a half and one and a half of it.
func (l *live) around(ns int64) int64 { return int64(float64(ns) * (0.5 + l.w.r.float())) }

// step lets some devices be busier than others.
func (l *live) step(now int64) error {
	if now >= l.outage {
		l.back = now + l.lateness()
		l.outage = l.back + l.around(outageEvery)
		l.tell("outage").add("begun", now).add("over", l.back).write(l.log.out)
	}
	n := len(l.w.devices)
	return l.w.step(l.w.devices[min(l.w.r.below(n), l.w.r.below(n))])
}

// time of the next event of a device: the hub's clock's, but never that of the event before.
func (l *live) time(last int64) int64 {
	return max(last+10_000, l.clock.now()+int64(l.w.o.trap.hubClock))
}

// savedAt is the event's time by the machine's clock.
func (l *live) savedAt(e *saved) int64 { return e.time - int64(l.w.o.trap.hubClock) }

// keep writes the document as it is now, and tells what became of the copies that are watched. The
// hub calls it twice for a save: when the events are there, and when older ones were removed.
func (l *live) keep(a *aggregate) error {
	if l == nil {
		return nil
	}
	now := extent{a.stored[0].version, a.stored[len(a.stored)-1].version}
	if before, known := l.stored[a]; known && before == now {
		return nil
	}
	l.stored[a] = now
	begun := l.clock.now()
	if err := l.shelf.put(a.id+".0", l.w.document(l.r, a, a.stored, true)); err != nil {
		return err
	}
	l.follow(a, begun, l.clock.now())
	return l.log.out.Flush()
}

// follow tells of the first save after each, and whenever less of it can be recovered.
func (l *live) follow(a *aggregate, begun, done int64) {
	rest := l.watched[a][:0]
	for _, x := range l.watched[a] {
		word := recoveryOf(a, x.version).word
		if word != x.word || !x.over {
			l.tellOf("copy", a, x.version).add("begun", begun).add("done", done).add("word", word).write(l.log.out)
		}
		x.word, x.over = word, true
		if x.lost && word != "superseded" {
			rest = append(rest, x)
		}
	}
	l.watched[a] = rest
}

// lose tells that an event will never be published.
func (l *live) lose(a *aggregate, e *saved, why string) error {
	if l == nil {
		return nil
	}
	x := &watch{version: e.version, lost: true, word: recoveryOf(a, e.version).word}
	l.tellOf("lost", a, e.version).add("device_id", a.device.id).add("event_type", e.kind.String()).
		add("saved", l.savedAt(e)).add("stored", l.clock.now()).add("word", x.word).add("why", why).write(l.log.out)
	l.watched[a] = append(l.watched[a], x)
	return l.log.out.Flush()
}

// publish sends it when its time comes; the body is copied.
func (l *live) publish(a *aggregate, e *saved, subject string, body []byte) error {
	if l.calm {
		return l.w.out.send(subject, body)
	}
	now := l.clock.now()
	due := now + l.delay()
	if l.w.r.chance(holdShare) {
		l.held[a] = max(l.held[a], due)
	}
	// What waits for others waits in turn.
	for _, other := range []int64{l.held[a], l.back} {
		if other > now {
			due = max(due, other)
		}
	}
	if due-now > worthTelling {
		l.tellOf("delayed", a, e.version).add("saved", l.savedAt(e)).add("due", due).write(l.log.out)
		l.watched[a] = append(l.watched[a], &watch{version: e.version, word: recoveryOf(a, e.version).word})
	}
	l.order++
	heap.Push(&l.waiting, publication{due, l.order, a, e.version, l.savedAt(e), subject, bytes.Clone(body)})
	return l.log.out.Flush()
}

func (l *live) delay() int64 {
	if l.w.r.chance(l.w.o.live.delayed) {
		return l.lateness()
	}
	return int64(l.w.r.float() * float64(promptMost))
}

// lateness has as many tens of milliseconds as tens of seconds, and sometimes all that is allowed.
func (l *live) lateness() int64 {
	most := float64(l.w.o.live.delayMost)
	if l.w.r.chance(lateShare) {
		return int64(most * (0.8 + 0.2*l.w.r.float()))
	}
	return int64(most / math.Pow(1000, l.w.r.float()))
}

// emit publishes what is due first.
func (l *live) emit(now int64) error {
	p := heap.Pop(&l.waiting).(publication)
	if err := l.w.out.send(p.subject, p.body); err != nil {
		return err
	}
	if now-p.saved <= worthTelling {
		return nil
	}
	l.tellOf("published", p.aggregate, p.version).add("saved", p.saved).add("published", now).write(l.log.out)
	return l.log.out.Flush()
}

func (l *live) tell(what string) *line { return new(line).add("what", what) }

func (l *live) tellOf(what string, a *aggregate, version uint64) *line {
	return l.tell(what).add("aggregate_id", a.id).add("version", version)
}

// publication is an event on its way to the stream.
type publication struct {
	due       int64
	order     uint64
	aggregate *aggregate
	version   uint64
	saved     int64
	subject   string
	body      []byte
}

type publications []publication

func (q publications) Len() int { return len(q) }
func (q publications) Less(i, j int) bool {
	return q[i].due < q[j].due || (q[i].due == q[j].due && q[i].order < q[j].order)
}
func (q publications) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *publications) Push(x any)   { *q = append(*q, x.(publication)) }
func (q *publications) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = publication{}
	*q = (*q)[:last]
	return x
}

// noShelf is for a run without a store.
type noShelf struct{}

func (noShelf) put(string, []byte) error { return nil }

type mongoShelf struct {
	ctx        context.Context
	collection *store.Collection
}

func (s *mongoShelf) put(id string, document []byte) error {
	result, err := s.collection.ReplaceOne(s.ctx, bson.D{{Key: "_id", Value: id}}, bson.Raw(document), mongooptions.Replace().SetUpsert(true))
	if err == nil && result.MatchedCount+result.UpsertedCount != 1 {
		err = fmt.Errorf("%s: %d documents replaced, %d new", id, result.MatchedCount, result.UpsertedCount)
	}
	return err
}
