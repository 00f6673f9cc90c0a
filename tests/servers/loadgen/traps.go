// SPDX-License-Identifier: Apache-2.0
package main

import (
	"errors"
	"flag"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// trapOptions are the doses of what happens to real hubs and makes an audit's work hard.
type trapOptions struct {
	// writers.go
	swapped, delayed float64
	delay            time.Duration
	outages          int
	outageTime       time.Duration
	replicaClock     time.Duration
	hubClock         time.Duration
	// lives.go
	earlyLives, restarts int
	cloud                int
	lostRegistrations    float64
	lostLinks, lateLinks float64
	// rollback.go
	backupAt, restoreAt float64
	restoreOwners       bool
	risenGoOn           bool
	crashes, resets     int
	// steps.go, document.go and save.go
	forcedLater, bursts  float64
	inactive             int
	oldSubjects, upgrade float64
	// bodies.go
	oversized, malformed int
	loseAll              bool
	silences             silences
	// what an audit sees of it
	stop    int
	deliver bool
	skip    uint64
	horizon uint64
	holes   ranges
	parting uint64
}

func (o *trapOptions) flags(f *flag.FlagSet) {
	f.Float64Var(&o.swapped, "swapped", 0, "share of the messages that two writers publish behind the aggregate's next one")
	f.Float64Var(&o.delayed, "delayed", 0, "share of the messages that are late by --delay at most")
	f.DurationVar(&o.delay, "delay", 5*time.Minute, "of the history's time")
	f.IntVar(&o.outages, "outages", 0, "times that one of two replicas is cut off; its messages come when it is back")
	f.DurationVar(&o.outageTime, "outage-time", 30*time.Minute, "for so long")
	f.DurationVar(&o.replicaClock, "replica-clock", 0, "the second replica's clock is ahead by this (at most 2s)")
	f.DurationVar(&o.hubClock, "hub-clock", 0, "the hub's clock is ahead by this (negative: behind)")
	f.IntVar(&o.earlyLives, "early-lives", 0, "of the second lives, those that begin before the devicesunregistered of the first")
	f.IntVar(&o.restarts, "restarts", 0, "devices whose documents vanish while they go on, at version 0; every other announces itself again")
	f.IntVar(&o.cloud, "c2c", 0, "devices that a cloud-to-cloud connector registers again, every other for another owner")
	f.Float64Var(&o.lostRegistrations, "lost-registrations", 0, "share of the registrations that are not published")
	f.Float64Var(&o.lostLinks, "lost-links", 0, "share of the links events that are not published, whatever hangs on them")
	f.Float64Var(&o.lateLinks, "late-links", 0, "share of the links events that are late by --delay at most, whatever hangs on them")
	f.Float64Var(&o.backupAt, "backup-at", 0, "share of the events after which the store is backed up")
	f.Float64Var(&o.restoreAt, "restore-at", 0, "share of the events after which it is restored; devices born in between vanish")
	f.BoolVar(&o.restoreOwners, "restore-owners", true, "the identity store goes back with it")
	f.BoolVar(&o.risenGoOn, "risen-go-on", false, "devices of which an earlier life came back with it go on where that one was")
	f.IntVar(&o.crashes, "crashes", 0, "times that the store forgets the last saves")
	f.IntVar(&o.resets, "resets", 0, "resources that outgrow their document and start at 0 again while the device lives")
	f.Float64Var(&o.forcedLater, "forced-later", 0, "share of forced commands on hrefs that have events already")
	f.Float64Var(&o.bursts, "bursts", 0, "further share of saves of several events")
	f.IntVar(&o.inactive, "inactive", 0, "aggregates whose documents are all inactive")
	f.Float64Var(&o.oldSubjects, "old-subjects", 0, "share of the events, from the first on, with the aggregate's id in the subject")
	f.Float64Var(&o.upgrade, "upgrade-at", 0, "share of the events after which the older hub is a current one")
	f.IntVar(&o.oversized, "oversized", 0, "events that are larger than a NATS message may be")
	f.IntVar(&o.malformed, "malformed", 0, "messages that cannot be read, in the place of good ones")
	f.BoolVar(&o.loseAll, "lose-all", false, "losses of any event, also of those that the proof of others rests on: the counts are then not told")
	f.Var(&o.silences, "silences", "nothing at all is published in these spans of the history, as in 12h+2m,13h+90s from its start; the counts are then not told")
	f.IntVar(&o.stop, "stop", 0, "end after so many events of the history; what is late then never comes")
	f.BoolVar(&o.deliver, "deliver", false, "with --stop: it does come, behind everything else")
	f.Uint64Var(&o.skip, "skip", 0, "messages that an earlier run with --stop has published")
	f.Uint64Var(&o.horizon, "horizon", 0, "reports: the archives begin with this message")
	f.Uint64Var(&o.parting, "parting", 0, "reports: behind this message the stream was another one")
	f.Var(&o.holes, "holes", "reports: the archives have holes there, as in 5-7,12")
}

const mostReplicaClock = 2 * time.Second

// checkTraps comes when the numbers of events and devices are known.
func (o *options) checkTraps() error {
	t := &o.trap
	for name, share := range map[string]float64{
		"swapped": t.swapped, "delayed": t.delayed, "lost-registrations": t.lostRegistrations,
		"lost-links": t.lostLinks, "late-links": t.lateLinks, "backup-at": t.backupAt, "restore-at": t.restoreAt,
		"forced-later": t.forcedLater, "bursts": t.bursts, "old-subjects": t.oldSubjects, "upgrade-at": t.upgrade,
	} {
		if share < 0 || share > 1 {
			return fmt.Errorf("--%s is a share between 0 and 1", name)
		}
	}
	for name, number := range map[string]int{
		"outages": t.outages, "early-lives": t.earlyLives, "restarts": t.restarts, "c2c": t.cloud, "crashes": t.crashes,
		"resets": t.resets, "inactive": t.inactive, "oversized": t.oversized, "malformed": t.malformed, "stop": t.stop,
	} {
		if number < 0 {
			return fmt.Errorf("--%s is a number of them", name)
		}
	}
	switch {
	case (t.restoreAt > 0) != (t.backupAt > 0) || t.restoreAt < t.backupAt:
		return errors.New("--restore-at needs a --backup-at before it")
	case t.replicaClock < 0 || t.replicaClock > mostReplicaClock:
		return errors.New("--replica-clock is more than 2s")
	case t.upgrade > 0 && !o.older:
		return errors.New("--upgrade-at needs --regime older")
	case t.earlyLives > o.secondLives:
		return errors.New("more lives are to begin early than there are second ones")
	}
	return nil
}

// happening is something that comes when so many events are saved.
type happening struct {
	at int
	do func() error
}

// plan spreads the traps over the history. Without a dose it takes no random numbers.
func (w *world) plan() {
	t := &w.o.trap
	for _, x := range []struct {
		times int
		do    func(i int) error
	}{
		{t.outages, w.breakOff},
		{t.restarts, w.restart},
		{t.cloud, w.registerAgain},
		{t.crashes, w.rememberCrash},
		{t.resets, w.reset},
		{t.inactive, w.giveUp},
		{t.oversized, w.saveOversized},
		{t.malformed, w.spoilNext},
	} {
		for i := range x.times {
			w.at(w.o.events/5+w.r.below(1+w.o.events*7/10), func() error { return x.do(i) })
		}
	}
	if t.restoreAt > 0 {
		w.at(int(t.backupAt*float64(w.o.events)), func() error { return w.backUp() })
		w.at(int(t.restoreAt*float64(w.o.events)), func() error { return w.restoreBackup() })
	}
}

func (w *world) at(events int, do func() error) {
	w.plans = append(w.plans, happening{events, do})
	sort.SliceStable(w.plans, func(i, j int) bool { return w.plans[i].at < w.plans[j].at })
}

// happen does what is due.
func (w *world) happen() error {
	for len(w.plans) > 0 && w.plans[0].at <= w.saved {
		do := w.plans[0].do
		w.plans = w.plans[1:]
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// pick returns a device that lives on and to which nothing else happens, or nil.
func (w *world) pick(fits func(*device) bool) *device {
	var free []*device
	for _, d := range w.devices {
		if d.born && !d.deleted && !d.taken && fits(d) {
			free = append(free, d)
		}
	}
	if len(free) == 0 {
		return nil
	}
	d := free[w.r.below(len(free))]
	d.taken = true
	return d
}

func livesOn(d *device) bool { return d.deathAt == 0 }

// ranges are closed ones of sequences, in order.
type ranges []span

type span struct{ first, last uint64 }

func (r *ranges) String() string { return fmt.Sprint(*r) }

func (r *ranges) Set(text string) error {
	for _, part := range strings.Split(text, ",") {
		low, high, both := strings.Cut(part, "-")
		first, err := strconv.ParseUint(low, 10, 64)
		last := first
		if err == nil && both {
			last, err = strconv.ParseUint(high, 10, 64)
		}
		if err != nil || last < first || (len(*r) > 0 && first <= (*r)[len(*r)-1].last) {
			return fmt.Errorf("%q is no range behind the last one", part)
		}
		*r = append(*r, span{first, last})
	}
	return nil
}

func (r ranges) has(seq uint64) bool {
	i := sort.Search(len(r), func(i int) bool { return r[i].last >= seq })
	return i < len(r) && r[i].first <= seq
}

// between counts the sequences of the ranges that lie between two others.
func (r ranges) between(low, high uint64) uint64 {
	n := uint64(0)
	for _, x := range r {
		if x.last > low && x.first < high {
			n += x.last - x.first + 1
		}
	}
	return n
}

// silences are spans of the history, from its start.
type silences []silence

type silence struct{ from, to time.Duration }

func (s *silences) String() string { return fmt.Sprint(*s) }

func (s *silences) Set(text string) error {
	for _, part := range strings.Split(text, ",") {
		at, length, _ := strings.Cut(part, "+")
		from, err := time.ParseDuration(at)
		took, failed := time.ParseDuration(length)
		if err != nil || failed != nil || from < 0 || took <= 0 {
			return fmt.Errorf("%q is no START+LENGTH", part)
		}
		*s = append(*s, silence{from, from + took})
	}
	return nil
}

// isSilent tells whether the hub is cut off at that time.
func (w *world) isSilent(time int64) bool {
	for _, s := range w.o.trap.silences {
		if time >= w.o.start+int64(s.from) && time < w.o.start+int64(s.to) {
			return true
		}
	}
	return false
}
