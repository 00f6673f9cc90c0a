package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"sort"
)

// truth is what only the writer knows, and what an audit must make of it.
type truth struct {
	lost          []*lostRecord
	duplicates    []duplicateRecord
	unannounced   []*unannouncedRecord
	services      []serviceRecord
	registrations []*row
	// devices and aggregates that fell into a trap
	registeredAgain, restarted, vanished []*device
	resets                               []*aggregate

	manyLives    bool
	open         bool // some verdict can be the one or the other
	reordered    int
	documents    int
	storedEvents int
}

type lostRecord struct {
	aggregate *aggregate
	version   uint64
	kind      kind
	subject   string
	time      int64
	length    int
	digest    [32]byte
	pairs     int
	why       string
	owner     *owner
	verdict   string // empty: nobody asks, or can know
}

type duplicateRecord struct {
	aggregate *aggregate
	version   uint64
	kind      kind
	subject   string
}

type unannouncedRecord struct {
	aggregate *aggregate
	version   uint64
	kind      kind
}

type serviceRecord struct {
	id      string
	version uint64
	name    string
}

func (t *truth) addLost(l *lostRecord) {
	t.lost = append(t.lost, l)
	if l.aggregate.lost == nil {
		l.aggregate.lost = map[uint64]*lostRecord{}
	}
	l.aggregate.lost[l.version] = l
}

func (t *truth) addUnannounced(a *aggregate, e *saved) {
	x := &unannouncedRecord{a, e.version, e.kind}
	t.unannounced = append(t.unannounced, x)
	if a.unannounced == nil {
		a.unannounced = map[uint64]*unannouncedRecord{}
	}
	a.unannounced[e.version] = x
}

func (t *truth) addDuplicate(a *aggregate, e *saved, subject string) {
	t.duplicates = append(t.duplicates, duplicateRecord{a, e.version, e.kind, subject})
}

func (t *truth) addService(id string, version uint64, name string) {
	t.services = append(t.services, serviceRecord{id, version, name})
}

// recovery is what the store still has of a lost event.
type recovery struct {
	word    string
	version int64 // of the snapshot that embeds it
}

func recoveryOf(a *aggregate, version uint64) recovery {
	event := a.find(version)
	if event != nil && event.raw != nil {
		return recovery{"exact", -1}
	}
	if s := a.embedding(version); s != nil {
		return recovery{"rebuilt", int64(s.version)}
	}
	if event != nil {
		return recovery{"snapshot", -1}
	}
	return recovery{"superseded", -1}
}

// proof says by which rule a loss shows that can be proved.
func (x *lostRecord) proof() string {
	c := x.aggregate.verdict.coverage
	switch {
	case x.aggregate.device.deleted && len(c) > 0 && x.version > c[0].version:
		return "between two seen, device deleted"
	case len(c) > 0 && x.version > c[len(c)-1].version:
		return "latestversion"
	case len(c) > 0 && x.version > c[0].version:
		return "inside"
	case x.aggregate.find(x.version) != nil:
		return "stored copy"
	}
	return "device born inside"
}

// sort gives the files the order of the aggregates, whatever was lost first.
func (t *truth) sort() {
	sort.SliceStable(t.lost, func(i, j int) bool {
		return before(t.lost[i].aggregate, t.lost[j].aggregate, t.lost[i].version, t.lost[j].version)
	})
	sort.SliceStable(t.duplicates, func(i, j int) bool {
		return before(t.duplicates[i].aggregate, t.duplicates[j].aggregate, t.duplicates[i].version, t.duplicates[j].version)
	})
}

func before(a, b *aggregate, versionA, versionB uint64) bool {
	if a.id != b.id {
		return a.id < b.id
	}
	if a.device.life != b.device.life {
		return a.device.life < b.device.life
	}
	return versionA < versionB
}

// expected are the counts of an audit, by the names that the reports use.
func (w *world) expected() map[string]int {
	t := w.truth
	e := map[string]int{
		"registrations": 0, "duplicate": 0, "store_lost": 0,
		"lost": 0, "lost_in_store": 0, "lost_deleted": 0, "unprovable_true_losses": 0,
		"never_published": 0, "deleted_device": 0, "aggregates": len(t.services),
		"expected": 0, "matched": 0, "truncated": 0,
	}
	for _, s := range t.services {
		e["never_published"] += int(s.version) + 1
	}
	for _, r := range t.registrations {
		if r.on(&w.o.trap) {
			e["registrations"]++
		}
	}
	for _, d := range w.devices {
		for _, a := range d.all {
			a.count(e)
		}
	}
	for _, x := range t.lost {
		x.count(e)
	}
	e["covered"] = e["matched"] + e["truncated"]
	e["messages"] = e["registrations"] + e["covered"] + e["deleted_device"] + e["duplicate"] +
		e["forked"] + e["ahead"] + e["malformed_message"]
	if t.open {
		maps.DeleteFunc(e, func(name string, _ int) bool { return !toldAnyway[name] })
	}
	return e
}

// toldAnyway are the counts that no open verdict changes.
var toldAnyway = map[string]bool{
	"registrations": true, "never_published": true, "aggregates": true, "expected": true, "messages": true,
	"malformed_message": true, "unprovable_true_losses": true,
}

// count adds what a trap brings only when there is some.
func (a *aggregate) count(e map[string]int) {
	j := &a.verdict
	e["duplicate"] += j.duplicates
	e["deleted_device"] += j.deleted
	if len(a.stored) > 0 {
		latest, _ := a.newest()
		e["aggregates"]++
		e["expected"] += int(latest) + 1
		e["matched"] += j.matched
		e["truncated"] += j.covered - j.matched
	}
	for name, n := range map[string]int{
		"forked": j.forked, "ahead": j.ahead, "malformed_message": j.bad,
		isUndecided: j.missing[isUndecided], isUnannounced: j.missing[isUnannounced], isBefore: j.missing[isBefore],
		isUnverifiable: j.missing[isUnverifiable], isLostInGap: j.missing[isLostInGap],
	} {
		if n > 0 {
			e[name] += n
		}
	}
}

func (l *lostRecord) count(e map[string]int) {
	switch {
	case l.verdict != isLost:
		e["unprovable_true_losses"]++
		return
	case len(l.aggregate.stored) == 0:
		e["lost_deleted"]++
	default:
		e["lost_in_store"]++
	}
	e["lost"]++
	e["recoverable_"+recoveryOf(l.aggregate, l.version).word]++
}

func writeExpected(out io.Writer, e map[string]int) error {
	text, err := json.MarshalIndent(e, "", " ")
	if err == nil {
		_, err = out.Write(text)
	}
	return err
}

// line is one object with its keys in the given order, spaced as the
// recordings' are.
type line struct{ b []byte }

func (l *line) add(key string, value any) *line {
	if len(l.b) > 0 {
		l.b = append(l.b, ", "...)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // only strings, numbers and truth values get here
	}
	l.b = append(append(append(append(l.b, '"'), key...), `": `...), text...)
	return l
}

func (l *line) write(out *bufio.Writer) {
	out.WriteByte('{')
	out.Write(l.b)
	out.WriteString("}\n")
	l.b = l.b[:0]
}

// addLife tells the lives apart, in histories where some device has two.
func (t *truth) addLife(l *line, a *aggregate) {
	if t.manyLives {
		l.add("life", a.device.life)
	}
}

// writeLost writes the losses that can be proved.
func (t *truth) writeLost(out *bufio.Writer) {
	var l line
	for _, x := range t.lost {
		if x.verdict != isLost {
			continue
		}
		l.add("aggregate_id", x.aggregate.id).add("version", x.version).
			add("device_id", x.aggregate.device.id).
			add("recoverable", recoveryOf(x.aggregate, x.version).word).
			add("why_provable", x.proof()).add("true_type", x.kind.String()).
			add("true_subject", x.subject).add("true_sha256", hex.EncodeToString(x.digest[:]))
		t.addLife(&l, x.aggregate)
		l.write(out)
	}
}

// writeUnprovable writes the others.
func (t *truth) writeUnprovable(out *bufio.Writer) {
	var l line
	for _, x := range t.lost {
		if x.verdict == isLost {
			continue
		}
		l.add("aggregate_id", x.aggregate.id).add("version", x.version).
			add("device_id", x.aggregate.device.id).add("event_type", x.kind.String()).
			add("why", x.why).add("device_deleted", x.aggregate.device.deleted)
		if x.verdict != "" {
			l.add("verdict", x.verdict)
		}
		t.addLife(&l, x.aggregate)
		l.write(out)
	}
}

// writeTruth writes a summary and then one line for each thing that is not as
// it should be.
func (w *world) writeTruth(out *bufio.Writer) {
	var l line
	w.summary(&l).write(out)
	for _, x := range w.truth.lost {
		x.line(&l)
		w.truth.addLife(&l, x.aggregate)
		l.write(out)
	}
	for _, x := range w.truth.duplicates {
		l.add("aggregate_id", x.aggregate.id).add("copies", 2).add("device_id", x.aggregate.device.id).
			add("event_type", x.kind.String()).add("kind", "duplicate").
			add("subject", x.subject).add("version", x.version)
		w.truth.addLife(&l, x.aggregate)
		l.write(out)
	}
	for _, d := range w.devices {
		if d.deleted {
			l.add("device_id", d.id).add("kind", "deleted_device").
				add("owner", d.owner.claim).add("silent", d.silent).
				add("comes_back", d.comesBack).write(out)
		}
	}
	for _, x := range w.truth.unannounced {
		l.add("aggregate_id", x.aggregate.id).add("device_id", x.aggregate.device.id).
			add("event_type", x.kind.String()).add("href", x.aggregate.href).
			add("kind", "unannounced").add("version", x.version).
			add("why", "forced command on an unpublished resource").write(out)
	}
	w.writeTraps(out)
	for _, x := range w.truth.services {
		for v := range x.version + 1 {
			l.add("aggregate_id", x.id).add("kind", "unpublished_by_design").
				add("store_event_type", x.name).add("version", v).add("why", "service metadata").write(out)
		}
	}
}

func (w *world) summary(l *line) *line {
	e := w.expected()
	regime := "snapshot-last"
	if w.o.older {
		regime = "full-history"
	}
	published := e["matched"] + e["truncated"] + e["deleted_device"] + e["forked"] + e["ahead"]
	return l.add("aggregates_in_store", e["aggregates"]).add("deleted_devices", w.o.deleted+w.o.silent).
		add("duplicates", e["duplicate"]).add("event_messages", published+e["duplicate"]).
		add("hub_id", w.hub).add("kind", "summary").add("lost", len(w.truth.lost)).
		add("published", published).add("regime", regime).add("registrations", e["registrations"]).
		add("reordered", w.truth.reordered).add("saved", w.saved).add("second_lives", w.o.secondLives).add("seed", w.o.seed).
		add("service_metadata", e["never_published"]).add("silent_deletes", w.o.silent).
		add("store_documents", w.truth.documents).add("store_events", w.truth.storedEvents).
		add("stream_messages", e["messages"]).add("unpublished_by_design", len(w.truth.unannounced))
}

// writeTraps tells what the findings and counts say of them.
func (w *world) writeTraps(out *bufio.Writer) {
	var l line
	for _, list := range []struct {
		kind    string
		devices []*device
	}{
		{"registered_again", w.truth.registeredAgain},
		{"restarted", w.truth.restarted},
		{"vanished", w.truth.vanished},
	} {
		for _, d := range list.devices {
			l.add("device_id", d.id).add("kind", list.kind).add("life", d.life).write(out)
		}
	}
	for _, a := range w.truth.resets {
		l.add("aggregate_id", a.id).add("device_id", a.device.id).add("kind", "reset").write(out)
	}
	for _, d := range w.devices {
		for _, a := range d.all {
			w.writeTrapsOf(out, a)
		}
	}
}

func (w *world) writeTrapsOf(out *bufio.Writer, a *aggregate) {
	var l line
	for _, f := range a.verdict.forks {
		l.add("aggregate_id", a.id).add("device_id", a.device.id).add("kind", "forked").
			add("version", f.version).add("messages", f.messages).write(out)
	}
	if a.verdict.ahead == 0 {
		return
	}
	c := a.verdict.coverage
	for _, r := range c[len(c)-a.verdict.ahead:] {
		l.add("aggregate_id", a.id).add("device_id", a.device.id).add("kind", "store_lost").
			add("version", r.version).write(out)
	}
}

func (x *lostRecord) line(l *line) *line {
	a := x.aggregate
	rest := recoveryOf(a, x.version)
	// The recordings' own words for the same.
	rebuild := map[string]string{"exact": "exact", "rebuilt": "embedded"}[rest.word]
	if rebuild == "" {
		rebuild = "none"
	}
	latest := int64(-1)
	if len(a.stored) > 0 {
		latest = int64(a.next) - 1
	}
	event := a.find(x.version)
	l.add("aggregate_id", a.id).add("device_deleted", a.device.deleted).add("device_id", a.device.id).
		add("event_type", x.kind.String()).add("href", a.href).add("in_store", event != nil).
		add("kind", "lost").add("length", x.length).add("map_entries", x.pairs).
		add("owner", x.owner.claim).add("owner_id", x.owner.id).
		add("rebuild", rebuild).add("rebuild_same_bytes", rebuild == "embedded").
		add("rebuild_version", rest.version).add("sha256", hex.EncodeToString(x.digest[:]))
	if event != nil {
		l.add("store_event_type", event.kind.String())
	}
	return l.add("store_latest_version", latest).add("subject", x.subject).
		add("timestamp", x.time).add("version", x.version).add("why", x.why)
}
