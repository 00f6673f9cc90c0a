// SPDX-License-Identifier: Apache-2.0
package main

import "github.com/golang/snappy"

// Where lives of devices begin and end, and what only looks like it.

// register publishes that a device came to its owner, or went; without a row when that was lost.
func (w *world) register(d *device, registered bool) (*row, error) {
	event := "devicesunregistered"
	if registered {
		event = "devicesregistered"
	}
	d.last += int64(w.r.between(200_000, 3_000_000))
	body := snappy.Encode(nil, registrationEvent(d, d.last, w.hub, registered))
	if w.r.chance(w.o.trap.lostRegistrations) || w.isSilent(d.last) {
		return nil, nil
	}
	r := &row{time: d.last}
	w.truth.registrations = append(w.truth.registrations, r)
	return r, w.out.pass(parcel{"plgd.owners." + d.owner.id + ".registrations." + event, body, r})
}

// registerAgain is what a cloud-to-cloud connector does: only the identity store takes notice.
func (w *world) registerAgain(i int) error {
	d := w.pick(func(d *device) bool { return livesOn(d) || i%3 == 2 })
	if d == nil {
		return nil
	}
	d.last = max(d.last, w.now)
	if _, err := w.register(d, false); err != nil {
		return err
	}
	if i%2 == 1 {
		d.owner = &w.owners[w.r.below(len(w.owners))]
		for _, a := range d.all {
			a.subject = a.subjectWith(nameUUID(a.href))
		}
	}
	w.truth.registeredAgain = append(w.truth.registeredAgain, d)
	_, err := w.register(d, true)
	return err
}

// comeEarly: a command comes between the end of the documents and the devicesunregistered.
func (w *world) comeEarly(d *device) error {
	again := w.newLife(d.id, d.life+1)
	again.last = d.last
	again.metadata = w.aggregate(again, metadataFamily, metadataHref, nil)
	pending := &draft{kind: metadataUpdatePending, correlation: w.r.uuid().String(), twin: true, carrier: w.carrier()}
	if err := w.save(again.metadata, pending); err != nil {
		return err
	}
	d.last = again.last
	if _, err := w.register(d, false); err != nil {
		return err
	}
	again.last = d.last + int64(w.pause)
	w.enter(again)
	return nil
}

// restart: the deletion of a device failed behind its documents, and it never noticed.
func (w *world) restart(i int) error {
	d := w.pick(func(d *device) bool { return livesOn(d) && len(d.resources) > 1 })
	if d == nil {
		return nil
	}
	d.last = max(d.last, w.now)
	w.truth.restarted = append(w.truth.restarted, d)
	if i%2 == 1 {
		// It goes on as if nothing were, and never says again what it has.
		d.mute, d.reused = true, true
		for _, a := range d.all {
			a.goBack(state{})
		}
		return nil
	}
	d.silent = true
	d.vanish()
	w.goOnAtZero(d)
	return nil
}

func (w *world) goOnAtZero(d *device) {
	again := w.newLife(d.id, d.life+1)
	again.goesOn = true
	again.last = d.last + int64(w.pause)
	w.enter(again)
}

// goOn is a life that begins with any event of any resource, and with no registration. The links
// and the connection state follow when the device connects again.
func (w *world) goOn(d *device) error {
	d.metadata = w.aggregate(d, metadataFamily, metadataHref, nil)
	d.links = w.aggregate(d, linksFamily, linksHref, nil)
	links := w.makeResources(d, max(2, w.resourcesOf()))
	d.resources[0].again = true
	for _, a := range d.resources[:len(d.resources)/2] {
		if err := w.save(a, w.change(a, statusOK)); err != nil {
			return err
		}
	}
	d.last += int64(w.pause)
	if err := w.save(d.metadata, w.connectionState(d, true)); err != nil {
		return err
	}
	return w.save(d.links, &draft{kind: linksPublished, links: links, carrier: w.carrier()})
}
