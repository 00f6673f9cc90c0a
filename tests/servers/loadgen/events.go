package main

// draft is an event before it has a version: what a device or a user did.
type draft struct {
	kind        kind
	correlation string // of the command that it belongs to
	status      uint64
	content     content
	iface       string
	validFor    int64 // ns; 0: for ever
	etag        []byte
	carrier     []pair
	links       []link   // published
	hrefs       []string // unpublished
	online      bool
	twin        bool
	canceled    bool
	forced      bool // on an href that is not linked: stored, not published
	kept        bool // never dropped and never late
}

// stamp is what the hub adds to an event when it saves it.
type stamp struct {
	version    uint64
	time       int64
	connection string
	sequence   uint64
	hub        string
}

// content is a representation of a resource.
type content struct {
	data   []byte
	media  string
	format uint64
}

// link is a resource as the device announces it.
type link struct {
	href  string
	types []string
}

const (
	formatCBOR = 10000
	formatJSON = 50
	// formatNone is -1: a confirmation without a body.
	formatNone = ^uint64(0)
	carrierTag = 100
)

var linkInterfaces = []string{"oic.if.a", "oic.if.baseline"}

// encode returns the event's protobuf in memory of its own.
func encode(a *aggregate, d *draft, s stamp) []byte {
	m := message{b: make([]byte, 0, 384+len(d.content.data)+192*len(d.links))}
	switch d.kind {
	case linksPublished, linksUnpublished:
		encodeLinks(&m, a, d, s)
	case metadataUpdated:
		encodeMetadataUpdated(&m, a, d, s)
	case metadataUpdatePending:
		encodeMetadataPending(&m, a, d, s)
	default:
		encodeResource(&m, a, d, s)
	}
	return m.b
}

func encodeResource(m *message, a *aggregate, d *draft, s stamp) {
	m.resourceID(1, a)
	for i, p := range resourceFields[d.kind] {
		field := i + 2
		switch p {
		case contentPart:
			m.content(field, d.content)
		case statusPart:
			m.number(field, d.status)
		case interfacePart:
			m.text(field, d.iface)
		case auditPart:
			m.audit(field, a.device, d.correlation)
		case metadataPart:
			m.metadata(field, s)
		case validUntilPart:
			if d.validFor != 0 {
				m.number(field, uint64(s.time+d.validFor))
			}
		case etagPart:
			m.bytes(field, d.etag)
		case typesPart:
			m.elements(field, a.types)
		}
	}
	m.pairs(carrierTag, d.carrier)
}

func encodeLinks(m *message, a *aggregate, d *draft, s stamp) {
	m.text(1, a.device.id)
	for _, l := range d.links {
		m.link(2, a.device.id, l)
	}
	m.elements(2, d.hrefs)
	m.audit(3, a.device, d.correlation)
	m.metadata(4, s)
	m.pairs(carrierTag, d.carrier)
}

func encodeMetadataUpdated(m *message, a *aggregate, d *draft, s stamp) {
	m.text(1, a.device.id)
	connection := m.open(2)
	m.boolean(1, d.online)
	m.text(3, s.connection)
	m.number(4, uint64(a.device.connectedAt))
	m.number(5, 4) // over TCP with TLS
	m.text(6, a.device.serviceID)
	m.close(connection)
	m.audit(4, a.device, d.correlation)
	m.metadata(5, s)
	m.boolean(6, d.canceled)
	synchronization := m.open(7)
	m.number(1, 3)
	m.number(3, uint64(s.time))
	m.close(synchronization)
	m.boolean(8, d.twin)
	m.pairs(carrierTag, d.carrier)
}

func encodeMetadataPending(m *message, a *aggregate, d *draft, s stamp) {
	m.text(1, a.device.id)
	m.audit(3, a.device, d.correlation)
	m.metadata(4, s)
	if d.validFor != 0 {
		m.number(5, uint64(s.time+d.validFor))
	}
	twin := uint64(0)
	if d.twin {
		twin = 1
	}
	m.always(6, twin)
	m.pairs(carrierTag, d.carrier)
}

// encodeSnapshot returns what the hub stores of an aggregate's state.
func encodeSnapshot(a *aggregate, s *snapshot) []byte {
	m := message{b: make([]byte, 0, 512)}
	switch a.family {
	case linksFamily:
		encodeLinksSnapshot(&m, a, s)
	case metadataFamily:
		m.text(1, a.device.id)
		m.bytes(2, s.latest.raw)
		for _, p := range s.pendings {
			m.embed(3, p.raw)
		}
		m.metadata(4, s.stamp)
	default:
		encodeResourceSnapshot(&m, a, s)
	}
	return m.b
}

func encodeLinksSnapshot(m *message, a *aggregate, s *snapshot) {
	m.text(1, a.device.id)
	for _, l := range s.links {
		entry := m.open(2)
		m.text(1, l.href)
		m.link(2, a.device.id, l)
		m.close(entry)
	}
	m.metadata(3, s.stamp)
	m.audit(4, a.device, s.correlation)
}

func encodeResourceSnapshot(m *message, a *aggregate, s *snapshot) {
	m.resourceID(1, a)
	m.bytes(2, s.latest.raw)
	for _, k := range []kind{resourceCreatePending, resourceRetrievePending,
		resourceUpdatePending, resourceDeletePending} {
		for _, p := range s.pendings {
			if p.kind == k {
				m.embed(snapshotField[k], p.raw)
			}
		}
	}
	m.audit(7, a.device, s.correlation)
	m.metadata(8, s.stamp)
	m.elements(9, a.types)
}

func (m *message) resourceID(field int, a *aggregate) {
	start := m.open(field)
	m.text(1, a.device.id)
	m.text(2, a.href)
	m.close(start)
}

func (m *message) content(field int, c content) {
	if c.format == 0 {
		return
	}
	start := m.open(field)
	m.bytes(1, c.data)
	m.text(2, c.media)
	m.number(3, c.format)
	m.close(start)
}

func (m *message) audit(field int, d *device, correlation string) {
	start := m.open(field)
	m.text(1, d.owner.user)
	m.text(2, correlation)
	m.text(3, d.owner.claim)
	m.close(start)
}

func (m *message) metadata(field int, s stamp) {
	start := m.open(field)
	m.number(1, s.version)
	m.number(2, uint64(s.time))
	m.text(3, s.connection)
	m.number(4, s.sequence)
	m.text(5, s.hub)
	m.close(start)
}

func (m *message) link(field int, deviceID string, l link) {
	start := m.open(field)
	m.text(1, l.href)
	m.text(2, deviceID)
	m.elements(3, l.types)
	m.elements(4, linkInterfaces)
	m.text(5, "ocf://"+deviceID)
	policy := m.open(9)
	m.number(1, 3)
	m.close(policy)
	endpoint := m.open(10)
	m.text(1, "coaps+tcp://[fe80::1]:5684")
	m.number(2, 1)
	m.close(endpoint)
	m.close(start)
}

// registrationEvent is the identity store's: true for devicesregistered.
func registrationEvent(d *device, time int64, hub string, registered bool) []byte {
	var m message
	field := 2
	if registered {
		field = 1
	}
	start := m.open(field)
	m.text(1, d.owner.claim)
	m.element(2, d.id)
	m.number(3, uint64(time))
	audit := m.open(4)
	m.text(1, d.owner.user)
	m.close(audit)
	metadata := m.open(5)
	m.text(1, hub)
	m.close(metadata)
	m.close(start)
	return m.b
}

// serviceEvent is never published; the snapshot embeds the update.
func serviceEvent(serviceIDs []string, s stamp) (updated, snapshot []byte) {
	var inner, outer message
	heartbeat := inner.open(1)
	for _, id := range serviceIDs {
		valid := inner.open(1)
		inner.text(1, id)
		inner.number(2, uint64(s.time)+3600e9)
		inner.close(valid)
	}
	inner.close(heartbeat)
	inner.metadata(2, s)
	outer.embed(1, inner.b)
	outer.metadata(2, s)
	return inner.b, outer.b
}

// envelope is the message on the stream around a compressed event.
func envelope(b []byte, a *aggregate, k kind, version uint64, data []byte) []byte {
	m := message{b: b}
	m.number(1, version)
	m.text(2, k.String())
	m.text(3, a.device.id)
	m.text(4, a.id)
	m.embed(5, data)
	return m.b
}
