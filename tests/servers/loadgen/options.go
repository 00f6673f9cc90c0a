package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

type truncation int

const (
	truncateOn truncation = iota
	truncateFailing
	truncateSometimes
)

type tlsFiles struct{ ca, cert, key string }

type options struct {
	events, devices   int
	seed              uint64
	older             bool
	truncate          truncation
	lost, duplicates  float64
	late, forced      float64
	deleted, silent   int
	secondLives       int
	services, payload int
	registrations     bool
	split, leadrt     bool
	lostSnapshots     bool
	ghosts            int
	start             int64
	span              time.Duration

	nats, stream     string
	tls              tlsFiles
	mongo, db        string
	replace          bool
	ownersDB         string
	messages         string
	bson, ownersBSON string
	truth, lostOut   string
	unprovable       string
	expected         string
	live             liveOptions
	trap             trapOptions
}

// eventsPerDevice gives ten resources some tens of events each.
const eventsPerDevice = 300

// leastEvents is what a device needs to come to life.
const leastEvents = 12

const defaultStart = "2026-01-01T00:00:00Z"

func parseOptions(arguments []string) (options, error) {
	var o options
	var regime, truncate, start string
	f := flag.NewFlagSet("loadgen", flag.ExitOnError)
	f.IntVar(&o.events, "events", 10000, "events that the hub saves (some more come with the last save)")
	f.IntVar(&o.devices, "devices", 0, fmt.Sprintf("devices (default: one for %d events)", eventsPerDevice))
	f.Uint64Var(&o.seed, "seed", 1, "the same seed and options give the same bytes")
	f.StringVar(&regime, "regime", "current", "what the store keeps: current or older")
	f.StringVar(&truncate, "truncate", "on", "on, failing (or off: all events stay), sometimes")
	f.Float64Var(&o.lost, "lost", 0, "share of the publishes dropped after the save")
	f.BoolVar(&o.lostSnapshots, "lost-snapshots", false, "of the older hub's snapshots too (an audit may not be able to tell exact from snapshot)")
	f.Float64Var(&o.duplicates, "duplicates", 0, "share of the messages that come twice")
	f.Float64Var(&o.late, "late", 0, "share of the messages that come out of order")
	f.Float64Var(&o.forced, "forced", 0, "share of forced commands on hrefs that are not linked")
	f.IntVar(&o.deleted, "deleted-devices", 0, "devices that are deleted")
	f.IntVar(&o.silent, "silent-deletes", 0, "devices that are deleted without a devicesunregistered")
	f.IntVar(&o.secondLives, "second-lives", 0, "of all these, devices that come back and start at version 0")
	f.IntVar(&o.services, "services", 0, "documents of service metadata, never published")
	f.IntVar(&o.payload, "payload-bytes", 0, "size of a representation (default: as small as they are)")
	f.BoolVar(&o.registrations, "registrations", true, "publish devicesregistered when a device comes")
	f.BoolVar(&o.split, "split", false, "some aggregates have two documents")
	f.IntVar(&o.ghosts, "ghosts", 0, "documents that a lost race left: ObjectId, aggregateid, latestversion, isactive")
	f.BoolVar(&o.leadrt, "leadrt", false, "subjects end in .leadrt and the leading resource type")
	f.StringVar(&start, "start-time", defaultStart, "time of the first event, RFC 3339; now: the last is now")
	f.DurationVar(&o.span, "span", 24*time.Hour, "time from the first event to about the last")
	f.StringVar(&o.nats, "nats", "", "URL of a nats-server to publish to")
	f.StringVar(&o.stream, "stream", "EVENTS", "stream, made when absent")
	f.StringVar(&o.tls.ca, "tls-ca", "", "authority of the nats-server's certificate")
	f.StringVar(&o.tls.cert, "tls-cert", "", "client certificate for the nats-server")
	f.StringVar(&o.tls.key, "tls-key", "", "key of the client certificate")
	f.StringVar(&o.mongo, "mongo", "", "URI of a store to fill")
	f.StringVar(&o.db, "db", "eventStore_db", "its database")
	f.BoolVar(&o.replace, "replace", false, "what the databases have is removed first")
	f.StringVar(&o.ownersDB, "owners-db", "ownersDevices_db", "the identity store's database")
	f.StringVar(&o.messages, "messages-out", "", "file of the messages: subject and body, each after its length (varint)")
	f.StringVar(&o.bson, "bson", "", "file of the event store's documents, as mongodump writes it")
	f.StringVar(&o.ownersBSON, "owners-bson", "", "file of the identity store's documents")
	f.StringVar(&o.truth, "truth", "", "file of what happened (truth.jsonl)")
	f.StringVar(&o.lostOut, "lost-out", "", "file of the losses that an audit must find (lost.jsonl)")
	f.StringVar(&o.unprovable, "unprovable", "", "file of the other losses (unprovable.jsonl)")
	f.StringVar(&o.expected, "expected", "", "file of an audit's counts (expected.json)")
	o.live.flags(f)
	o.trap.flags(f)
	f.Parse(arguments)
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, errors.Join(o.setWords(regime, truncate, start), o.checkLive(), o.check(), o.checkTraps())
}

// setWords turns the options that are words into what they mean.
func (o *options) setWords(regime, truncate, start string) error {
	var err error
	switch regime {
	case "current":
	case "older":
		o.older = true
	default:
		err = fmt.Errorf("--regime %q: current or older", regime)
	}
	switch truncate {
	case "on":
	case "failing", "off":
		o.truncate = truncateFailing
	case "sometimes":
		o.truncate = truncateSometimes
	default:
		err = fmt.Errorf("--truncate %q: on, off, failing or sometimes", truncate)
	}
	if start == "now" {
		o.start = time.Now().Add(-o.span).UnixNano() + int64(o.trap.hubClock)
		return err
	}
	t, failed := time.Parse(time.RFC3339, start)
	o.start = t.UnixNano() + int64(o.trap.hubClock)
	return errors.Join(err, failed)
}

func (o *options) check() error {
	if o.devices == 0 {
		o.devices = max(1, o.events/eventsPerDevice)
	}
	for name, share := range map[string]float64{
		"lost": o.lost, "duplicates": o.duplicates, "late": o.late, "forced": o.forced,
	} {
		if share < 0 || share > 1 {
			return fmt.Errorf("--%s is a share between 0 and 1", name)
		}
	}
	switch {
	case o.devices < 1 || o.events < leastEvents*o.devices:
		return fmt.Errorf("each device needs %d events", leastEvents)
	case o.deleted < 0 || o.silent < 0 || o.deleted+o.silent > o.devices:
		return errors.New("more devices are to be deleted than there are")
	case o.secondLives < 0 || o.secondLives > o.deleted+o.silent:
		return errors.New("more devices are to come back than are deleted")
	case o.services < 0 || o.ghosts < 0 || o.payload < 0 || o.payload > 900_000 || o.span <= 0:
		return errors.New("--services, --ghosts, --payload-bytes (at most 900000) or --span is out of range")
	case o.older && o.trap.upgrade == 0 && (o.leadrt || o.forced > 0 || o.trap.forcedLater > 0):
		return errors.New("the older hub knew neither leadrt nor forced commands")
	}
	return nil
}
