package main

import (
	"fmt"
	"strconv"

	"github.com/golang/snappy"
	"go.mongodb.org/mongo-driver/bson/bsontype"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// documents writes the event store: those of the devices that live, then the
// services'.
func (w *world) documents(write func([]byte) error) error {
	// A generator of its own: the history must not depend on who asks for it.
	r := newRandom(w.o.seed + 1)
	for _, d := range w.devices {
		if d.deleted {
			continue
		}
		for _, a := range d.all {
			if len(a.stored) == 0 {
				continue // the store went back behind its first event
			}
			if err := w.writeAggregate(r, a, write); err != nil {
				return err
			}
		}
	}
	if err := w.ghostDocuments(r, write); err != nil {
		return err
	}
	return w.services(r, write)
}

// ghostDocuments are what the upsert of a replica that lost a race leaves: the
// fields of its filter, with a version that was the latest once.
func (w *world) ghostDocuments(r *random, write func([]byte) error) error {
	var living []*aggregate
	for _, d := range w.devices {
		for _, a := range d.all {
			if len(a.stored) > 0 {
				living = append(living, a)
			}
		}
	}
	for range min(w.o.ghosts, len(living)) {
		a := living[r.below(len(living))]
		var id primitive.ObjectID
		r.fill(id[:])
		start, doc := bsoncore.AppendDocumentStart(nil)
		doc = bsoncore.AppendObjectIDElement(doc, "_id", id)
		doc = bsoncore.AppendStringElement(doc, "aggregateid", a.id)
		doc = bsoncore.AppendInt64Element(doc, "latestversion", int64(r.below(int(a.next))))
		doc = bsoncore.AppendBooleanElement(doc, "isactive", true)
		doc, _ = bsoncore.AppendDocumentEnd(doc, start)
		if err := write(doc); err != nil {
			return err
		}
	}
	return nil
}

// writeAggregate writes two documents when the aggregate is to look as if it
// had outgrown one: the second begins with a snapshot.
func (w *world) writeAggregate(r *random, a *aggregate, write func([]byte) error) error {
	if len(a.outgrown) > 0 {
		w.truth.documents++
		w.truth.storedEvents += len(a.outgrown)
		inserted := a.outgrown[0].version
		if err := write(w.documentAs(r, a, a.outgrown, false, inserted)); err != nil {
			return err
		}
	}
	events := a.stored
	if cut := lastSnapshot(events); a.split && cut > 0 {
		w.truth.documents++
		if err := write(w.document(r, a, events[:cut], false)); err != nil {
			return err
		}
		events = events[cut:]
	}
	w.truth.documents++
	w.truth.storedEvents += len(a.stored)
	return write(w.document(r, a, events, !a.inactive))
}

// builder appends elements in the order that its random numbers give: the hub
// writes its documents from unordered maps.
type builder struct {
	r        *random
	elements []func([]byte) []byte
}

func (b *builder) add(f func([]byte) []byte) { b.elements = append(b.elements, f) }

func (b *builder) text(key, v string) {
	b.add(func(d []byte) []byte { return bsoncore.AppendStringElement(d, key, v) })
}

func (b *builder) number(key string, v int64) {
	b.add(func(d []byte) []byte { return bsoncore.AppendInt64Element(d, key, v) })
}

func (b *builder) boolean(key string, v bool) {
	b.add(func(d []byte) []byte { return bsoncore.AppendBooleanElement(d, key, v) })
}

func (b *builder) binary(key string, v []byte) {
	b.add(func(d []byte) []byte { return bsoncore.AppendBinaryElement(d, key, 0, v) })
}

// append writes the elements as a document at the end of doc. The _id stays
// first, as every server sends it.
func (b *builder) append(doc []byte, id string) []byte {
	start, doc := bsoncore.AppendDocumentStart(doc)
	if id != "" {
		doc = bsoncore.AppendStringElement(doc, "_id", id)
	}
	for i := len(b.elements) - 1; i >= 0; i-- {
		j := b.r.below(i + 1)
		b.elements[i], b.elements[j] = b.elements[j], b.elements[i]
		doc = b.elements[i](doc)
	}
	b.elements = b.elements[:0]
	doc, _ = bsoncore.AppendDocumentEnd(doc, start)
	return doc
}

func (w *world) document(r *random, a *aggregate, events []storedEvent, active bool) []byte {
	// A document grew from version 0 on, unless it is the second of two.
	inserted := uint64(0)
	if active && len(events) < len(a.stored) {
		inserted = events[0].version
	}
	return w.documentAs(r, a, events, active, inserted)
}

func (w *world) documentAs(r *random, a *aggregate, events []storedEvent, active bool, inserted uint64) []byte {
	b := builder{r: r}
	first, last := events[0].version, events[len(events)-1]
	b.text("groupid", a.device.id)
	b.text("aggregateid", a.id)
	b.number("firstversion", int64(first))
	b.number("latestversion", int64(last.version))
	b.number("latestsnapshotversion", int64(snapshotVersion(events)))
	b.number("latesttimestamp", last.time)
	b.boolean("isactive", active)
	b.events(a, events)
	b.etag(a)
	b.traits(a, w.older())
	return b.append(make([]byte, 0, 1024), fmt.Sprintf("%s.%d", a.id, inserted))
}

func snapshotVersion(events []storedEvent) uint64 {
	if i := lastSnapshot(events); i >= 0 {
		return events[i].version
	}
	return 0
}

func (b *builder) events(a *aggregate, events []storedEvent) {
	r := b.r
	b.add(func(doc []byte) []byte {
		at, doc := bsoncore.AppendArrayElementStart(doc, "events")
		for i := range events {
			e := &events[i]
			raw := e.raw
			if raw == nil {
				raw = encodeSnapshot(a, e.snap)
			}
			doc = appendStored(r, doc, i, e.kind.String(), e.version, e.time, e.snap != nil, raw)
		}
		doc, _ = bsoncore.AppendArrayEnd(doc, at)
		return doc
	})
}

func appendStored(r *random, doc []byte, i int, name string, version uint64, time int64, snap bool, raw []byte) []byte {
	b := builder{r: r}
	b.number("version", int64(version))
	b.binary("data", snappy.Encode(nil, raw))
	b.text("eventtype", name)
	b.boolean("issnapshot", snap)
	b.number("timestamp", time)
	doc = bsoncore.AppendHeader(doc, bsontype.EmbeddedDocument, strconv.Itoa(i))
	return b.append(doc, "")
}

// etag: the hub keeps it twice; one of them goes stale.
func (b *builder) etag(a *aggregate) {
	if a.etag == nil {
		b.add(func(d []byte) []byte { return bsoncore.AppendNullElement(d, "latestetag") })
		return
	}
	r := b.r
	b.add(func(d []byte) []byte {
		inner := builder{r: r}
		inner.binary("etag", a.etag)
		inner.number("timestamp", a.etagTime)
		return inner.append(bsoncore.AppendHeader(d, bsontype.EmbeddedDocument, "latestetag"), "")
	})
	b.binary("etag", a.etag)
}

// traits are fields that came with later hubs, or stand on some families only.
func (b *builder) traits(a *aggregate, older bool) {
	if a.family == metadataFamily {
		b.text("serviceid", a.device.serviceID)
	}
	if a.family != resourceFamily || older || len(a.types) == 0 {
		return
	}
	b.add(func(d []byte) []byte {
		at, d := bsoncore.AppendArrayElementStart(d, "types")
		for i, t := range a.types {
			d = bsoncore.AppendStringElement(d, strconv.Itoa(i), t)
		}
		d, _ = bsoncore.AppendArrayEnd(d, at)
		return d
	})
}

// services writes the heartbeats' aggregates; each stands for a hub of its
// own. The last event is stored as the regime has it.
func (w *world) services(r *random, write func([]byte) error) error {
	for n := range w.o.services {
		hub := w.hub
		if n > 0 {
			hub = r.uuid().String()
		}
		w.truth.documents++
		w.truth.storedEvents++
		if err := write(w.service(r, hub, uint64(r.between(3, 12)))); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) service(r *random, hub string, version uint64) []byte {
	id := nameUUID(hub + servicesHref)
	s := stamp{version: version, time: w.o.start + int64(w.o.span), hub: hub}
	updated, snap := serviceEvent([]string{r.uuid().String(), r.uuid().String()}, s)
	name, raw := "ServiceMetadataSnapshotTaken", snap
	if w.o.older {
		name, raw = "ServiceMetadataUpdated", updated
	}
	w.truth.addService(id, version, name)

	b := builder{r: r}
	b.text("groupid", hub)
	b.text("aggregateid", id)
	b.number("firstversion", int64(version))
	b.number("latestversion", int64(version))
	if w.o.older {
		b.number("latestsnapshotversion", 0)
	} else {
		b.number("latestsnapshotversion", int64(version))
	}
	b.number("latesttimestamp", s.time)
	b.boolean("isactive", true)
	b.add(func(d []byte) []byte { return bsoncore.AppendNullElement(d, "latestetag") })
	b.add(func(doc []byte) []byte {
		at, doc := bsoncore.AppendArrayElementStart(doc, "events")
		doc = appendStored(r, doc, 0, name, version, s.time, !w.o.older, raw)
		doc, _ = bsoncore.AppendArrayEnd(doc, at)
		return doc
	})
	return b.append(make([]byte, 0, 512), id+".0")
}

// ownerDocuments writes the identity store: a device that was deleted, silently or
// not, is not in it any more.
func (w *world) ownerDocuments(write func([]byte) error) error {
	written := map[string]bool{}
	for _, d := range w.devices {
		if written[d.id] || !d.born || (d.deleted && !d.ownedStill) {
			continue
		}
		written[d.id] = true
		b := builder{r: w.r}
		b.text("owner", d.owner.claim)
		if err := write(b.append(make([]byte, 0, 128), d.id)); err != nil {
			return err
		}
	}
	return nil
}
