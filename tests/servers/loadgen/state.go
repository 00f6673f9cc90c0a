package main

type family int

const (
	resourceFamily family = iota
	linksFamily
	metadataFamily
)

const (
	linksHref    = "/plgd/res"
	metadataHref = "/plgd/s"
	servicesHref = "/plgd/services"
)

type owner struct{ claim, id, user string }

// device is one life of a device, from its registration on.
type device struct {
	id          string
	owner       *owner
	connection  string
	serviceID   string
	connectedAt int64
	sequence    uint64
	last        int64 // time of its newest event
	links       *aggregate
	metadata    *aggregate
	all         []*aggregate
	standing
	outage       int // publishes that are still to be dropped in a row
	born         bool
	deleted      bool
	silent       bool // its end is not published
	comesBack    bool
	early        bool // the next life begins before this one's end is published
	goesOn       bool // a life that no registration begins
	mute         bool // only its resources change, since its documents vanished
	taken        bool // by a trap: others leave it alone
	ownedStill   bool // deleted, and the identity store does not know
	reused       bool // some of its numbers began at 0 again
	tangled      bool // nobody can say any more which life is which
	linksLost    bool // more than lossyLinks allows
	registration *row // of this life
	life         int  // from 1 on
	deathAt      int  // number of saved events that it does not outlive; 0: it lives on
	// Only a device that gives no commands which could pass for forced ones
	// may lose its links: from outside the two together cannot be told from
	// the hub's silence.
	lossyLinks bool
}

// standing is what the hub knows of a device, and forgets when its store goes back.
type standing struct {
	resources []*aggregate // those that are linked
	unlinked  []*aggregate // those that are not, and have events
	linked    []link       // replaced, never changed: snapshots share it
	open      []command
	twin      bool
}

// command waits for its confirmation.
type command struct {
	aggregate   *aggregate
	kind        kind
	correlation string
}

type aggregate struct {
	device  *device
	family  family
	id      string
	href    string
	subject string // up to the event type
	types   []string
	fragile bool // will be, or never was, linked
	split   bool
	state

	outgrown []storedEvent // of a document that was given up
	inactive bool          // its documents say so
	branches []uint64      // versions from which on numbers were used again
	again    bool          // its next event is the first since then
	behind   *parcel       // waits for the next one

	onTime           bool // a version reached the stream in its turn
	published        bool
	seenMin, seenMax uint64
	rows             []*row
	lost             map[uint64]*lostRecord // the newest of each version
	unannounced      map[uint64]*unannouncedRecord
	verdict          judgement
}

// state is what the store has of an aggregate.
type state struct {
	next          uint64   // version
	latest        embedded // change, or connection state
	pendings      []embedded
	stored        []storedEvent
	sinceSnapshot int
	etag          []byte
	etagTime      int64
}

// embedded is an event as a snapshot holds it: the very bytes.
type embedded struct {
	kind        kind
	correlation string
	version     uint64
	raw         []byte
}

// snapshot is what is needed to write one, later: most are never looked at.
type snapshot struct {
	stamp
	latest      embedded
	pendings    []embedded
	links       []link
	correlation string
}

// storedEvent has raw when it is stored as it was published, snap when it is
// a snapshot; the older hub's snapshots are both.
type storedEvent struct {
	kind    kind
	version uint64
	time    int64
	raw     []byte
	snap    *snapshot
}

func (f family) snapshotKind() kind {
	switch f {
	case linksFamily:
		return linksSnapshot
	case metadataFamily:
		return metadataSnapshot
	}
	return resourceSnapshot
}

func newAggregate(d *device, f family, href string, types []string) *aggregate {
	a := &aggregate{device: d, family: f, id: nameUUID(d.id + href), href: href, types: types}
	a.subject = a.subjectWith(nameUUID(href))
	d.all = append(d.all, a)
	return a
}

// subjectWith takes what names the resource: long ago it was the aggregate's id.
func (a *aggregate) subjectWith(name string) string {
	subject := "plgd.owners." + a.device.owner.id + ".devices." + a.device.id
	switch a.family {
	case linksFamily:
		return subject + ".resource-links."
	case metadataFamily:
		return subject + ".metadata."
	}
	return subject + ".resources." + name + "."
}

// apply brings the state up to date. Slices that snapshots may share are
// replaced, not changed.
func (a *aggregate) apply(d *draft, s stamp, raw []byte) {
	event := embedded{d.kind, d.correlation, s.version, raw}
	switch {
	case d.kind == resourceChanged:
		a.latest = event
		if d.etag != nil {
			a.etag, a.etagTime = d.etag, s.time
		}
	case d.kind == linksPublished:
		a.device.linked = append(a.device.linked[:len(a.device.linked):len(a.device.linked)], d.links...)
	case d.kind == linksUnpublished:
		a.device.linked = without(a.device.linked, d.hrefs)
	case d.kind.isPending():
		a.pendings = append(a.pendings[:len(a.pendings):len(a.pendings)], event)
	default:
		a.pendings = withoutCommand(a.pendings, d.correlation)
		if d.kind == metadataUpdated {
			a.latest = event
		}
	}
}

func without(links []link, hrefs []string) []link {
	var rest []link
	for _, l := range links {
		gone := false
		for _, href := range hrefs {
			gone = gone || href == l.href
		}
		if !gone {
			rest = append(rest, l)
		}
	}
	return rest
}

func withoutCommand(pendings []embedded, correlation string) []embedded {
	var rest []embedded
	for _, p := range pendings {
		if p.correlation != correlation {
			rest = append(rest, p)
		}
	}
	return rest
}

func (a *aggregate) takeSnapshot(s stamp, correlation string) *snapshot {
	// It is taken right behind the event.
	s.time += 3000
	taken := &snapshot{stamp: s, latest: a.latest, pendings: a.pendings, correlation: correlation}
	if a.family == linksFamily {
		taken.links = a.device.linked
	}
	return taken
}

func (a *aggregate) see(version uint64) {
	if !a.published || version < a.seenMin {
		a.seenMin = version
	}
	if !a.published || version > a.seenMax {
		a.seenMax = version
	}
	a.published = true
}

// find returns nil when the store has no event of that version.
func (a *aggregate) find(version uint64) *storedEvent {
	if len(a.stored) == 0 || version < a.stored[0].version || version >= a.next {
		return nil
	}
	return &a.stored[version-a.stored[0].version]
}

// embedding returns the stored snapshot that holds the event of that version.
func (a *aggregate) embedding(version uint64) *storedEvent {
	for i := range a.stored {
		if s := a.stored[i].snap; s != nil && s.holds(version) {
			return &a.stored[i]
		}
	}
	return nil
}

func (s *snapshot) holds(version uint64) bool {
	if s.latest.raw != nil && s.latest.version == version {
		return true
	}
	for _, p := range s.pendings {
		if p.version == version {
			return true
		}
	}
	return false
}
