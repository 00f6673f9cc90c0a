// SPDX-License-Identifier: Apache-2.0
package main

import (
	"cmp"
	"slices"
)

// What an audit has to make of a history, told from what happened. It is not told where the signs
// on the stream cannot do: such a loss is neither demanded nor forbidden.

// The verdicts on what is missing, by the names that the reports use.
const (
	isLost         = "lost"
	isUndecided    = "undecided"
	isUnannounced  = "unannounced"
	isUnverifiable = "unverifiable_gap"
	isLostInGap    = "lost_in_gap"
	isBefore       = "before_horizon"
	// isGone: it was published, and the archives do not have it.
	isGone = "gone"
	// either of some verdicts.
	isOpen = "open"
)

// judgement is what becomes of an aggregate's messages, and of the versions that are missing.
type judgement struct {
	covered, matched, ahead, deleted int
	forked, duplicates, bad          int
	coverage                         []*row // by version
	forks                            []fork
	missing                          map[string]int
}

// fork is where numbers of an aggregate were used again: messages from this version on are void.
type fork struct {
	version  uint64
	messages int
}

// epoch begins where the numbers of a device show that its store went back.
type epoch struct {
	start   int64
	unclear bool // and of some resource nothing was left
}

// story is one life of a device as the archives have it.
type story struct {
	w      *world
	d      *device
	epochs []epoch
	bad    []uint64          // messages that cannot be read
	begun  int64             // time of its first message
	before map[string]uint64 // the highest version of each aggregate in an earlier life
	newest bool              // of its lives
	known  bool              // the store or the identity store still has the device
}

func (w *world) judge() {
	lives := map[string]int{}
	for _, d := range w.devices {
		if d.born {
			lives[d.id] = max(lives[d.id], d.life)
		}
	}
	before := map[string]uint64{}
	for _, d := range w.devices {
		s := &story{w: w, d: d, newest: d.life == lives[d.id], before: before}
		s.read()
		for _, a := range d.all {
			s.judge(a)
		}
		for _, a := range d.all {
			if c := a.verdict.coverage; len(c) > 0 {
				before[a.id] = c[len(c)-1].version
			}
		}
	}
}

// read parts the messages into epochs.
func (s *story) read() {
	wentBack := false
	s.known = s.d.ownedStill
	for _, a := range s.d.all {
		wentBack = wentBack || len(a.branches) > 0
		s.known = s.known || len(a.stored) > 0
		for _, r := range a.rows {
			switch {
			case !r.on(&s.w.o.trap):
			case r.bad:
				s.bad = append(s.bad, r.seq)
			case s.begun == 0 || r.time < s.begun:
				s.begun = r.time
			}
		}
	}
	slices.Sort(s.bad)
	s.epochs = []epoch{{}}
	if wentBack {
		s.walk()
		s.name()
	}
}

type sight struct {
	*row
	aggregate *aggregate
}

func (s *story) sights() []sight {
	var all []sight
	for _, a := range s.d.all {
		for _, r := range a.rows {
			if !r.bad && r.on(&s.w.o.trap) {
				all = append(all, sight{r, a})
			}
		}
	}
	slices.SortFunc(all, func(a, b sight) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
	})
	return all
}

// walk goes along the times of the events, as an audit does.
func (s *story) walk() {
	type event struct {
		aggregate *aggregate
		version   uint64
		time      int64
	}
	known := map[event]uint32{}
	seen := map[*aggregate]map[uint64]int64{}
	for _, x := range s.sights() {
		e := event{x.aggregate, x.version, x.time}
		if at, twice := known[e]; twice {
			x.epoch = at
			continue
		}
		if repeats(seen[x.aggregate], x.row) {
			s.epochs = append(s.epochs, epoch{start: x.time})
			seen = map[*aggregate]map[uint64]int64{}
		}
		if seen[x.aggregate] == nil {
			seen[x.aggregate] = map[uint64]int64{}
		}
		seen[x.aggregate][x.version] = x.time
		x.epoch = uint32(len(s.epochs) - 1)
		known[e] = x.epoch
	}
}

// replicasApart is more than the clocks of two replicas are.
const replicasApart = 10 * int64(1e9)

func repeats(seen map[uint64]int64, r *row) bool {
	if _, again := seen[r.version]; again {
		return true
	}
	above := uint64(0)
	for v := range seen {
		if v > r.version && (above == 0 || v < above) {
			above = v
		}
	}
	return above > 0 && r.time-seen[above] > replicasApart
}

// name tells the epochs in which a resource started at 0 again while the device went on.
func (s *story) name() {
	for _, a := range s.d.all {
		seen := map[uint32]bool{}
		for _, r := range a.rows {
			if !r.bad && r.on(&s.w.o.trap) {
				seen[r.epoch] = true
			}
		}
		for _, r := range a.rows {
			if r.version != 0 || r.bad || !r.on(&s.w.o.trap) {
				continue
			}
			for e := range seen {
				s.epochs[r.epoch].unclear = s.epochs[r.epoch].unclear || e < r.epoch
			}
		}
	}
}

func (s *story) judge(a *aggregate) {
	a.verdict = judgement{missing: map[string]int{}}
	s.cover(a)
	s.count(a)
	for _, g := range s.gaps(a) {
		s.judgeGap(a, &g)
	}
}

// cover joins the epochs: a later one voids what an earlier one has from its first version on.
func (s *story) cover(a *aggregate) {
	j := &a.verdict
	there := make([]*row, 0, len(a.rows))
	for _, r := range a.rows {
		switch {
		case !r.on(&s.w.o.trap):
		case r.bad:
			j.bad++
		default:
			there = append(there, r)
		}
	}
	slices.SortFunc(there, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.version, b.version), cmp.Compare(a.seq, b.seq))
	})
	distinct := slices.CompactFunc(there, func(a, b *row) bool { return a.epoch == b.epoch && a.version == b.version })
	j.duplicates = len(there) - len(distinct)
	for begin := 0; begin < len(distinct); {
		epoch := distinct[begin].epoch
		end := begin + 1
		for end < len(distinct) && distinct[end].epoch == epoch {
			end++
		}
		s.join(j, distinct[begin:end], s.epochs[epoch].unclear)
		begin = end
	}
}

// join: where a fork cannot be told from a life, what is void is no finding.
func (s *story) join(j *judgement, rows []*row, unclear bool) {
	first := rows[0].version
	cut, _ := slices.BinarySearchFunc(j.coverage, first, func(r *row, v uint64) int { return cmp.Compare(r.version, v) })
	if void := len(j.coverage) - cut; unclear {
		j.deleted += void
	} else if void > 0 {
		j.forked += void
		j.forks = append(j.forks, fork{first, void})
	}
	if cut == 0 {
		j.coverage = rows
		return
	}
	j.coverage = append(j.coverage[:cut:cut], rows...)
}

// newest returns the highest version that the store has, and its time.
func (a *aggregate) newest() (version uint64, time int64) {
	for _, events := range [][]storedEvent{a.outgrown, a.stored} {
		if n := len(events); n > 0 && (time == 0 || events[n-1].version >= version) {
			version, time = events[n-1].version, events[n-1].time
		}
	}
	return version, time
}

func (s *story) count(a *aggregate) {
	j := &a.verdict
	switch {
	case len(a.stored) > 0:
		latest, _ := a.newest()
		for _, r := range j.coverage {
			switch {
			case r.version > latest:
				j.ahead++
			case r.version >= a.firstStored():
				j.matched++
				j.covered++
			default:
				j.covered++
			}
		}
	case s.known && s.newest:
		j.ahead = len(j.coverage)
	default:
		j.deleted += len(j.coverage)
	}
	if !s.newest || !s.known {
		// A device that is gone has nothing to fork from.
		j.deleted += j.forked
		j.forked, j.forks = 0, nil
	}
}

func (a *aggregate) firstStored() uint64 {
	if len(a.outgrown) > 0 {
		return min(a.outgrown[0].version, a.stored[0].version)
	}
	return a.stored[0].version
}

// gap is a run of missing versions between two messages.
type gap struct {
	first, last  uint64
	below, above *row
	end          int64 // event time of what is above, or of the store's last write
}

func (s *story) gaps(a *aggregate) []gap {
	var gaps []gap
	next := uint64(0)
	var below *row
	inStore := len(a.stored) > 0
	latest, written := a.newest()
	for _, r := range a.verdict.coverage {
		if inStore && next > latest {
			return gaps
		}
		if r.version > next {
			g := gap{next, r.version - 1, below, r, r.time}
			if inStore {
				g.last = min(g.last, latest)
			}
			gaps = append(gaps, g)
		}
		below, next = r, r.version+1
	}
	if inStore && next <= latest {
		if below != nil {
			written = max(written, below.time)
		}
		gaps = append(gaps, gap{next, latest, below, nil, written})
	}
	return gaps
}

func (s *story) judgeGap(a *aggregate, g *gap) {
	rule := s.ruleOf(a, g)
	verdicts := make([]string, g.last-g.first+1)
	missed := 0
	for i := range verdicts {
		verdicts[i] = rule
		if rule == "" {
			verdicts[i] = s.ofVersion(a, g, g.first+uint64(i))
		}
		if verdicts[i] == isLost || verdicts[i] == isGone {
			missed++
		}
	}
	held := int(s.w.o.trap.holes.between(g.reach()))
	for i, verdict := range verdicts {
		if verdict == isLost || verdict == isGone {
			verdict = besideHole(verdict, held)
		}
		s.note(a, g.first+uint64(i), verdict)
	}
	if held > 0 && held < missed && len(a.stored) > 0 {
		// So many of them, and nobody knows which.
		a.verdict.missing[isLostInGap] += missed - held
		a.verdict.missing[isUnverifiable] -= missed - held
	}
}

// besideHole: a hole can hide as many messages as it has sequences.
func besideHole(verdict string, held int) string {
	switch {
	case held > 0:
		return isUnverifiable
	case verdict == isGone:
		return isOpen
	}
	return verdict
}

func (s *story) note(a *aggregate, v uint64, verdict string) {
	if x := a.lost[v]; x != nil {
		x.verdict = verdict
	}
	if verdict == isOpen {
		s.w.truth.open = true
	}
	if len(a.stored) > 0 {
		a.verdict.missing[verdict]++
	}
}

// reach is between which sequences the missing versions would be.
func (g *gap) reach() (low, high uint64) {
	high = ^uint64(0)
	if g.below != nil {
		low = g.below.seq
	}
	if g.above != nil {
		high = g.above.seq
	}
	return min(low, high), max(low, high)
}

// ruleOf returns what holds for all versions of the gap, or nothing.
func (s *story) ruleOf(a *aggregate, g *gap) string {
	low, high := g.reach()
	parting := s.w.o.trap.parting
	switch {
	case s.d.tangled || s.w.o.trap.loseAll || len(s.w.o.trap.silences) > 0 || (parting > 0 && low <= parting && parting < high):
		return isOpen
	case g.below == nil && s.d.life == 1 && !s.bornInside():
		return isBefore
	case slices.ContainsFunc(s.bad, func(seq uint64) bool { return seq > low && seq < high }):
		return isUndecided
	case len(s.bad) > 0 && s.bad[0] < high && s.bad[len(s.bad)-1] > low:
		return isOpen
	case s.isForked(g), s.goesOnFrom(a, g):
		return isUndecided
	}
	return ""
}

func (s *story) bornInside() bool {
	if s.d.registration == nil || !s.d.registration.on(&s.w.o.trap) {
		return false
	}
	for _, a := range []*aggregate{s.d.metadata, s.d.links} {
		if c := a.verdict.coverage; a.rows != nil && (len(c) > 0 && c[0].version == 0 || s.showsZero(a)) {
			return true
		}
	}
	return false
}

func (s *story) showsZero(a *aggregate) bool {
	return slices.ContainsFunc(a.rows, func(r *row) bool { return r.version == 0 && !r.bad && r.on(&s.w.o.trap) })
}

// isForked: the numbers went back while the missing ones were used, or in an unclear way before.
func (s *story) isForked(g *gap) bool {
	for i, e := range s.epochs {
		if i == 0 {
			continue
		}
		begunBefore := g.below == nil || g.below.time <= e.start+replicasApart
		if g.end >= e.start-replicasApart && (begunBefore || e.unclear) {
			return true
		}
	}
	return false
}

// goesOnFrom: what a life shows of an aggregate first may be the end of the life before.
func (s *story) goesOnFrom(a *aggregate, g *gap) bool {
	last, known := s.before[a.id]
	return g.below == nil && g.above != nil && known && g.above.version > last && g.above.time-s.begun <= replicasApart
}

// ofVersion is for what no hole, no fork and no unreadable message excuses.
func (s *story) ofVersion(a *aggregate, g *gap, v uint64) string {
	trap := &s.w.o.trap
	if a.family == resourceFamily && s.linksTangled(g) && hasOrphan(a, v) {
		return isOpen
	}
	linksDoubtful := s.d.linksLost || len(s.d.links.branches) > 0 || trap.horizon > 0 || len(trap.holes) > 0 ||
		s.d.deleted && len(s.d.links.lost) > 0
	if a.family == resourceFamily && linksDoubtful && s.hangsOnLinks(a, v) {
		return isOpen
	}
	switch {
	case a.unannounced[v] != nil:
		return isUnannounced
	case a.lost[v] != nil && a.lost[v].why != "late":
		return isLost
	case a.lost[v] == nil && len(trap.holes) > 0:
		return isGone
	}
	return isOpen
}

// hasOrphan: of a command from this version on the stream may show the answer alone.
func hasOrphan(a *aggregate, v uint64) bool {
	for u, x := range a.lost {
		if u >= v && x.kind.canBeForced() {
			return true
		}
	}
	for u := range a.unannounced {
		if u >= v {
			return true
		}
	}
	return false
}

// linksTangled: clocks of replicas may differ, so that of a links event which is near an end of the
// gap in time, but not on the same side of it on the stream, nobody can say which came first.
func (s *story) linksTangled(g *gap) bool {
	for _, end := range []*row{g.below, g.above} {
		for _, r := range s.d.links.rows {
			if end != nil && !r.bad && r.on(&s.w.o.trap) && max(r.time-end.time, end.time-r.time) <= replicasApart &&
				(r.time < end.time) != (r.seq < end.seq) {
				return true
			}
		}
	}
	return false
}

// hangsOnLinks: whether this could be a forced command is asked of links that are not all known.
func (s *story) hangsOnLinks(a *aggregate, v uint64) bool {
	if a.fragile || s.d.deleted || s.d.linksLost {
		x := a.lost[v]
		return x == nil || x.kind.canBeForced() || recoveryOf(a, v).word == "superseded"
	}
	return false
}
