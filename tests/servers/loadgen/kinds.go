package main

// kind is an event type of the hub.
type kind uint8

const (
	resourceChanged kind = iota
	resourceUpdatePending
	resourceUpdated
	resourceRetrievePending
	resourceRetrieved
	resourceCreatePending
	resourceCreated
	resourceDeletePending
	resourceDeleted
	linksPublished
	linksUnpublished
	metadataUpdatePending
	metadataUpdated
	resourceSnapshot
	linksSnapshot
	metadataSnapshot
)

var kindNames = [...]string{
	"resourcechanged",
	"resourceupdatepending",
	"resourceupdated",
	"resourceretrievepending",
	"resourceretrieved",
	"resourcecreatepending",
	"resourcecreated",
	"resourcedeletepending",
	"resourcedeleted",
	"resourcelinkspublished",
	"resourcelinksunpublished",
	"devicemetadataupdatepending",
	"devicemetadataupdated",
	"resourcestatesnapshottaken",
	"resourcelinkssnapshottaken",
	"devicemetadatasnapshottaken",
}

func (k kind) String() string { return kindNames[k] }

func (k kind) isSnapshot() bool { return k >= resourceSnapshot }

// isPending tells the first half of a command.
func (k kind) isPending() bool {
	switch k {
	case resourceUpdatePending, resourceRetrievePending, resourceCreatePending,
		resourceDeletePending, metadataUpdatePending:
		return true
	}
	return false
}

// isConfirmation tells the second half of a command on a resource.
func (k kind) isConfirmation() bool {
	switch k {
	case resourceUpdated, resourceRetrieved, resourceCreated, resourceDeleted:
		return true
	}
	return false
}

// canBeForced tells the pendings that the hub may keep to itself; an audit has
// to tell the loss of such an event from the hub's silence.
func (k kind) canBeForced() bool {
	return k == resourceUpdatePending || k == resourceCreatePending || k == resourceDeletePending
}

// part is what a field of a resource event holds.
type part int

const (
	contentPart part = iota
	statusPart
	interfacePart
	auditPart
	metadataPart
	validUntilPart
	etagPart
	typesPart
)

// resourceFields are the parts of each resource event by field number; the
// first stands in field 2, behind the resource's id.
var resourceFields = [...][]part{
	resourceChanged:         {contentPart, statusPart, auditPart, metadataPart, etagPart, typesPart},
	resourceUpdatePending:   {interfacePart, contentPart, auditPart, metadataPart, validUntilPart, typesPart},
	resourceUpdated:         {statusPart, contentPart, auditPart, metadataPart, typesPart},
	resourceRetrievePending: {interfacePart, auditPart, metadataPart, validUntilPart, etagPart, typesPart},
	resourceRetrieved:       {statusPart, contentPart, auditPart, metadataPart, etagPart, typesPart},
	resourceCreatePending:   {contentPart, auditPart, metadataPart, validUntilPart, typesPart},
	resourceCreated:         {statusPart, contentPart, auditPart, metadataPart, typesPart},
	resourceDeletePending:   {auditPart, metadataPart, validUntilPart, interfacePart, typesPart},
	resourceDeleted:         {statusPart, contentPart, auditPart, metadataPart, typesPart},
}

// snapshotField is where a resource's snapshot embeds an event of this kind.
var snapshotField = map[kind]int{
	resourceCreatePending:   3,
	resourceRetrievePending: 4,
	resourceUpdatePending:   5,
	resourceDeletePending:   6,
}

const (
	statusOK       = 1
	statusNotFound = 5
	statusCreated  = 11
	statusCanceled = 12
)
