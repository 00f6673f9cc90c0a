package main

import "fmt"

const (
	splitShare   = 0.02
	fragileShare = 0.1
	// A command that was not answered at once, and of those the ones that
	// never will be.
	openShare     = 0.25
	answerShare   = 0.5
	commandExpiry = int64(3600e9)
)

// birth is what a device does when it comes to the hub.
func (w *world) birth(d *device) error {
	d.born = true
	d.connectedAt = d.last
	if d.goesOn {
		return w.goOn(d)
	}
	if w.o.registrations {
		var err error
		if d.registration, err = w.register(d, true); err != nil {
			return err
		}
	}
	if d.metadata == nil {
		d.metadata = w.aggregate(d, metadataFamily, metadataHref, nil)
	}
	d.links = w.aggregate(d, linksFamily, linksHref, nil)
	if err := w.save(d.metadata, w.connectionState(d, true)); err != nil {
		return err
	}
	if err := w.publishLinks(d, w.resourcesOf()); err != nil {
		return err
	}
	for _, a := range d.resources {
		if err := w.save(a, w.change(a, statusOK)); err != nil {
			return err
		}
	}
	return w.save(d.metadata, w.connectionState(d, true))
}

func (w *world) aggregate(d *device, f family, href string, types []string) *aggregate {
	a := newAggregate(d, f, href, types)
	a.split = w.o.split && w.r.chance(splitShare)
	return a
}

// publishLinks announces the resources in two messages, when there are more
// than two.
func (w *world) publishLinks(d *device, n int) error {
	links := w.makeResources(d, n)
	half := (n + 1) / 2
	if err := w.save(d.links, &draft{kind: linksPublished, links: links[:half], carrier: w.carrier()}); err != nil {
		return err
	}
	if half == n {
		return nil
	}
	return w.save(d.links, &draft{kind: linksPublished, links: links[half:], carrier: w.carrier()})
}

func (w *world) makeResources(d *device, n int) []link {
	var links []link
	for i := range n {
		href, types := resourceAt(i)
		links = append(links, link{href, types})
		shown := types
		if w.older() {
			shown = nil // events and documents do not carry them yet
		}
		d.resources = append(d.resources, w.aggregate(d, resourceFamily, href, shown))
	}
	if n >= 4 && w.r.chance(fragileShare) {
		d.resources[n-1].fragile = true
	}
	return links
}

// step is one thing that happens to a device that lives.
func (w *world) step(d *device) error {
	if d.mute {
		a := d.resources[w.r.below(len(d.resources))]
		return w.save(a, w.change(a, statusOK))
	}
	if len(d.open) > 0 && w.r.chance(answerShare) {
		return w.answerOpen(d)
	}
	mayForce := d.deathAt == 0 && !d.lossyLinks && !w.older()
	if w.r.chance(w.o.forced) && mayForce {
		return w.forcedCommand(d)
	}
	if w.r.chance(w.o.trap.forcedLater) && mayForce && len(d.unlinked) > 0 {
		return w.force(d.unlinked[w.r.below(len(d.unlinked))])
	}
	if w.r.chance(w.o.trap.bursts) {
		return w.cancelCommands(d.resources[w.r.below(len(d.resources))])
	}
	a := d.resources[min(w.r.below(len(d.resources)), w.r.below(len(d.resources)))]
	switch n := w.r.below(1000); {
	case n < 20:
		return w.toggleTwin(d)
	case n < 35:
		return w.comeBack(d)
	case n < 110:
		return w.command(a, resourceUpdatePending)
	case n < 140:
		return w.command(a, resourceRetrievePending)
	case n < 155:
		return w.command(a, resourceCreatePending)
	case n < 165:
		return w.cancelCommands(a)
	case n < 170:
		return w.unlink(d)
	}
	return w.save(a, w.change(a, statusOK))
}

func (w *world) change(a *aggregate, status uint64) *draft {
	d := &draft{kind: resourceChanged, status: status, carrier: w.carrier()}
	d.content = w.r.contentOf(a, w.o.payload)
	if w.r.chance(0.8) {
		d.etag = make([]byte, 8)
		w.r.fill(d.etag)
	}
	return d
}

// carrier is the trace context: none, one entry, or the three whose order a
// protobuf map does not fix.
func (w *world) carrier() []pair {
	n := w.r.below(5)
	if n < 2 {
		return nil
	}
	var id [24]byte
	w.r.fill(id[:])
	parent := pair{"traceparent", fmt.Sprintf("00-%x-%x-01", id[:16], id[16:])}
	if n < 4 {
		return []pair{parent}
	}
	return []pair{{"tracestate", "vendor=00f067aa0ba902b7"}, parent, {"baggage", "tenant=plgd,region=eu"}}
}

func (w *world) connectionState(d *device, online bool) *draft {
	return &draft{kind: metadataUpdated, online: online, twin: d.twin, carrier: w.carrier()}
}

// comeBack: the connection breaks, and another one is made.
func (w *world) comeBack(d *device) error {
	if err := w.save(d.metadata, w.connectionState(d, false)); err != nil {
		return err
	}
	w.reconnect(d)
	d.connectedAt = d.last
	return w.save(d.metadata, w.connectionState(d, true))
}

func (w *world) toggleTwin(d *device) error {
	correlation := w.r.uuid().String()
	d.twin = !d.twin
	pending := &draft{kind: metadataUpdatePending, correlation: correlation, twin: d.twin, carrier: w.carrier()}
	if err := w.save(d.metadata, pending); err != nil {
		return err
	}
	done := w.connectionState(d, true)
	done.correlation = correlation
	return w.save(d.metadata, done)
}

// pending is the first half of a command.
func (w *world) pending(a *aggregate, k kind) *draft {
	d := &draft{kind: k, correlation: w.r.uuid().String(), carrier: w.carrier()}
	if k == resourceUpdatePending || k == resourceCreatePending {
		d.content = w.r.contentOf(a, w.o.payload)
	}
	if k == resourceUpdatePending && w.r.chance(0.3) {
		d.iface = linkInterfaces[1]
	}
	if w.r.chance(0.5) {
		d.validFor = commandExpiry
	}
	return d
}

// confirmation is the second half of a command.
func (w *world) confirmation(c command, status uint64) *draft {
	d := &draft{kind: c.kind + 1, correlation: c.correlation, status: status, carrier: w.carrier()}
	switch {
	case status == statusCanceled:
	case c.kind == resourceDeletePending:
		d.content.format = formatNone
	default:
		d.content = w.r.contentOf(c.aggregate, w.o.payload)
	}
	if c.kind == resourceCreatePending && status == statusOK {
		d.status = statusCreated
	}
	return d
}

func (w *world) command(a *aggregate, k kind) error {
	d := w.pending(a, k)
	if err := w.save(a, d); err != nil {
		return err
	}
	c := command{a, k, d.correlation}
	// A resource that goes must leave no command behind.
	if !a.fragile && w.r.chance(openShare) {
		if w.r.chance(0.8) {
			a.device.open = append(a.device.open, c)
		}
		return nil
	}
	return w.save(a, w.confirmation(c, statusOK))
}

func (w *world) answerOpen(d *device) error {
	c := d.open[0]
	d.open = d.open[1:]
	return w.save(c.aggregate, w.confirmation(c, statusOK))
}

// cancelCommands ends several commands in one save: all but the last event of
// it are stored as they are published.
func (w *world) cancelCommands(a *aggregate) error {
	var canceled []*draft
	for range w.r.between(2, 4) {
		d := w.pending(a, resourceUpdatePending)
		if err := w.save(a, d); err != nil {
			return err
		}
		canceled = append(canceled, w.confirmation(command{a, d.kind, d.correlation}, statusCanceled))
	}
	return w.save(a, canceled...)
}

// unlink deletes a resource that was chosen for it at birth. Everything of it
// is kept: a loss around it could not be told from the hub's silence.
func (w *world) unlink(d *device) error {
	last := len(d.resources) - 1
	a := d.resources[last]
	if !a.fragile {
		a = d.resources[0]
		return w.save(a, w.change(a, statusOK))
	}
	d.resources = d.resources[:last:last]
	d.unlinked = append(d.unlinked, a)
	if err := w.command(a, resourceDeletePending); err != nil {
		return err
	}
	if err := w.save(d.links, &draft{kind: linksUnpublished, hrefs: []string{a.href}, carrier: w.carrier(), kept: true}); err != nil {
		return err
	}
	gone := w.change(a, statusNotFound)
	gone.kept = true
	return w.save(a, gone)
}

// forcedCommand goes to an href that was never linked: the hub stores the
// pending and publishes nothing. What follows it is published.
func (w *world) forcedCommand(d *device) error {
	w.forced++
	a := w.aggregate(d, resourceFamily, fmt.Sprintf("/not/linked/%d", w.forced), nil)
	a.fragile, a.split = true, false
	d.unlinked = append(d.unlinked, a)
	return w.force(a)
}

func (w *world) force(a *aggregate) error {
	pending := w.pending(a, resourceUpdatePending)
	pending.forced = true
	if err := w.save(a, pending); err != nil || w.r.chance(0.5) {
		return err
	}
	done := w.confirmation(command{a, pending.kind, pending.correlation}, statusOK)
	done.kept = true
	return w.save(a, done)
}
