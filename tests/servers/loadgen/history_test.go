package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang/snappy"
	"go.mongodb.org/mongo-driver/bson"
	"google.golang.org/protobuf/encoding/protowire"
)

// regimes are the histories that the tests go through.
var regimes = map[string]string{
	"current": "--lost 0.05 --duplicates 0.02 --late 0.03 --forced 0.02 --deleted-devices 3 --silent-deletes 2 --services 2 --split --leadrt --ghosts 5",
	"older":   "--regime older --lost 0.05 --lost-snapshots --duplicates 0.02 --late 0.03 --deleted-devices 3 --services 1 --split",
	"kept":    "--truncate failing --lost 0.1 --forced 0.05 --deleted-devices 1",
	"mixed":   "--truncate sometimes --lost 0.3 --late 0.3 --registrations=false --devices 300",
	"lives":   "--lost 0.05 --deleted-devices 6 --silent-deletes 6 --second-lives 8",
	"plain":   "--payload-bytes 700",
}

// runIn writes every file of a run into a folder.
func runIn(t *testing.T, folder, arguments string) {
	t.Helper()
	all := append(strings.Fields(arguments), "--events", "6000")
	for _, name := range []string{"messages-out", "bson", "owners-bson", "truth", "lost-out", "unprovable", "expected"} {
		all = append(all, "--"+name, filepath.Join(folder, name))
	}
	o, err := parseOptions(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := generate(o); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameSeedSameBytes(t *testing.T) {
	for name, arguments := range regimes {
		t.Run(name, func(t *testing.T) {
			first, second, other := t.TempDir(), t.TempDir(), t.TempDir()
			runIn(t, first, arguments)
			runIn(t, second, arguments)
			runIn(t, other, arguments+" --seed 2")
			for _, file := range []string{"messages-out", "bson", "owners-bson", "truth", "lost-out", "unprovable", "expected"} {
				a := read(t, first, file)
				if !bytes.Equal(a, read(t, second, file)) {
					t.Errorf("%s differs", file)
				}
				if file == "messages-out" && bytes.Equal(a, read(t, other, file)) {
					t.Errorf("%s is the same for another seed", file)
				}
			}
		})
	}
}

// These are the first bytes of this seed for ever: scripts may rely on them.
func TestBytesOfSeedOne(t *testing.T) {
	folder := t.TempDir()
	runIn(t, folder, regimes["current"])
	const want = "d0db0ed86f71930f5a1da023d5b9f17987a11464a4178e1208cd142d82007b17"
	if got := fmt.Sprintf("%x", sha256.Sum256(read(t, folder, "messages-out"))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// key names an event.
type key struct {
	aggregate string
	version   uint64
	life      int
}

// seen is what a reader of the stream finds.
type seen struct {
	events        map[key][]byte // raw
	messages      int
	duplicates    int
	registrations int
	lives         map[string]int // of each device, by its registrations
}

func newSeen() *seen { return &seen{events: map[key][]byte{}, lives: map[string]int{}} }

// life is 1 for devices whose registration was not published.
func (s *seen) life(device string) int { return max(1, s.lives[device]) }

func (s *seen) register(t *testing.T, body []byte) {
	t.Helper()
	s.registrations++
	raw, err := snappy.Decode(nil, body)
	if err != nil {
		t.Fatal(err)
	}
	if registered := fieldsOf(t, raw)[1]; registered != nil {
		s.lives[string(fieldsOf(t, registered[0].bytes)[2][0].bytes)]++
	}
}

func (s *seen) add(t *testing.T, subject string, body []byte) {
	t.Helper()
	s.messages++
	tokens := strings.Split(subject, ".")
	if tokens[3] == "registrations" {
		s.register(t, body)
		return
	}
	e := fieldsOf(t, body)
	raw, err := snappy.Decode(nil, e[5][0].bytes)
	if err != nil {
		t.Fatal(err)
	}
	kind := string(e[2][0].bytes)
	if tokens[4] != string(e[3][0].bytes) || !strings.Contains(subject+".", "."+kind+".") {
		t.Fatalf("%s carries a %s of %s", subject, kind, e[3][0].bytes)
	}
	k := key{aggregate: string(e[4][0].bytes), life: s.life(tokens[4])}
	if v := e[1]; v != nil {
		k.version = v[0].number
	}
	if _, twice := s.events[k]; twice {
		s.duplicates++
	}
	s.events[k] = raw
}

type field struct {
	number uint64
	bytes  []byte
}

// fieldsOf is the library's decoder: not the code that wrote the bytes.
func fieldsOf(t *testing.T, b []byte) map[protowire.Number][]field {
	t.Helper()
	fields := map[protowire.Number][]field{}
	for len(b) > 0 {
		n, wireType, length := protowire.ConsumeTag(b)
		if length < 0 {
			t.Fatalf("no protobuf: %x", b)
		}
		b = b[length:]
		var f field
		if wireType == protowire.VarintType {
			f.number, length = protowire.ConsumeVarint(b)
		} else {
			f.bytes, length = protowire.ConsumeBytes(b)
		}
		if length < 0 {
			t.Fatalf("field %d is cut off", n)
		}
		b = b[length:]
		fields[n] = append(fields[n], f)
	}
	return fields
}

func readMessages(t *testing.T, folder string) *seen {
	t.Helper()
	s := newSeen()
	for b := read(t, folder, "messages-out"); len(b) > 0; {
		subject, n := protowire.ConsumeBytes(b)
		body, m := protowire.ConsumeBytes(b[n:])
		s.add(t, string(subject), body)
		b = b[n+m:]
	}
	return s
}

// kept is what a reader of the store finds.
type kept struct {
	stream *seen
	latest map[key]int64 // by version 0
	copies map[key]bool
}

func readStore(t *testing.T, folder string, stream *seen) kept {
	t.Helper()
	k := kept{stream, map[key]int64{}, map[key]bool{}}
	for b := read(t, folder, "bson"); len(b) > 0; {
		raw, rest, ok := bsonDocument(b)
		if !ok {
			t.Fatal("the file ends in a document")
		}
		b = rest
		k.add(t, raw)
	}
	return k
}

func bsonDocument(b []byte) (bson.Raw, []byte, bool) {
	n := int(bson.Raw(b[:4])[0]) | int(b[1])<<8 | int(b[2])<<16 | int(b[3])<<24
	if n < 5 || n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], bson.Raw(b[:n]).Validate() == nil
}

func (k *kept) add(t *testing.T, raw bson.Raw) {
	t.Helper()
	var document struct {
		Device    string `bson:"groupid"`
		Aggregate string `bson:"aggregateid"`
		First     int64  `bson:"firstversion"`
		Latest    int64  `bson:"latestversion"`
		Time      int64  `bson:"latesttimestamp"`
		Events    []struct {
			Version   int64
			EventType string `bson:"eventtype"`
			Timestamp int64
			Data      []byte
		}
	}
	if err := bson.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if document.Events == nil || strings.HasPrefix(document.Events[0].EventType, "Service") {
		return
	}
	at := key{aggregate: document.Aggregate, life: k.stream.life(document.Device)}
	k.latest[at] = max(k.latest[at], document.Latest)
	for i, e := range document.Events {
		if e.Version != document.First+int64(i) {
			t.Fatalf("%s: version %d at place %d", document.Aggregate, e.Version, i)
		}
		if _, err := snappy.Decode(nil, e.Data); err != nil {
			t.Fatal(err)
		}
		k.copies[key{at.aggregate, uint64(e.Version), at.life}] = true
	}
	last := document.Events[len(document.Events)-1]
	if last.Version != document.Latest || last.Timestamp != document.Time {
		t.Fatalf("%s: the last event is not the latest", document.Aggregate)
	}
}

// reported are the lines of a list that have the given kind.
func reported(t *testing.T, folder, name, kind string) map[key]string {
	t.Helper()
	keys := map[key]string{}
	for _, text := range bytes.Split(bytes.TrimSpace(read(t, folder, name)), []byte("\n")) {
		var line struct {
			Aggregate   string `json:"aggregate_id"`
			Version     uint64
			Life        int
			Kind        string
			Recoverable string
		}
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		if line.Kind == kind {
			keys[key{line.Aggregate, line.Version, max(1, line.Life)}] = line.Recoverable
		}
	}
	return keys
}

// TestReportsSayWhatIsMissing compares stream and store as an audit would.
func TestReportsSayWhatIsMissing(t *testing.T) {
	for name, arguments := range regimes {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			runIn(t, folder, arguments)
			stream := readMessages(t, folder)
			store := readStore(t, folder, stream)
			lost := reported(t, folder, "lost-out", "")
			silent := reported(t, folder, "truth", "unannounced")
			checkMissing(t, stream, store, lost, silent)
			checkSums(t, folder, stream, store, len(lost), len(silent))
			checkRecoverable(t, store, lost)
		})
	}
}

func checkMissing(t *testing.T, stream *seen, store kept, lost, silent map[key]string) {
	t.Helper()
	for at, latest := range store.latest {
		for v := range uint64(latest) + 1 {
			k := key{at.aggregate, v, at.life}
			_, isLost := lost[k]
			_, isSilent := silent[k]
			_, isThere := stream.events[k]
			if isThere == (isLost || isSilent) || (isLost && isSilent) {
				t.Errorf("%v: on the stream %t, lost %t, unannounced %t", k, isThere, isLost, isSilent)
			}
		}
	}
	for k := range lost {
		first := key{k.aggregate, 0, k.life}
		if _, living := store.latest[first]; living {
			continue
		}
		_, below := stream.events[first]
		if _, there := stream.events[k]; there || !below {
			t.Errorf("%v of a deleted device is not between two that are there", k)
		}
	}
}

func checkSums(t *testing.T, folder string, stream *seen, store kept, lost, silent int) {
	t.Helper()
	var e map[string]int
	if err := json.Unmarshal(read(t, folder, "expected"), &e); err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, latest := range store.latest {
		all += int(latest) + 1
	}
	for name, sums := range map[string][2]int{
		"messages":      {e["messages"], stream.messages},
		"duplicates":    {e["duplicate"], stream.duplicates},
		"registrations": {e["registrations"], stream.registrations},
		"expected":      {e["expected"], all},
		"stored":        {e["expected"], e["matched"] + e["truncated"] + e["lost_in_store"] + e["unannounced"]},
		"streamed":      {e["messages"], e["registrations"] + e["covered"] + e["deleted_device"] + e["duplicate"]},
		"lost":          {e["lost"], e["lost_in_store"] + e["lost_deleted"]},
		"lost lines":    {e["lost"], lost},
		"recoverable":   {e["lost"], e["recoverable_exact"] + e["recoverable_rebuilt"] + e["recoverable_snapshot"] + e["recoverable_superseded"]},
		"silent":        {e["unannounced"], silent},
	} {
		if sums[0] != sums[1] {
			t.Errorf("%s: %d and %d", name, sums[0], sums[1])
		}
	}
}

func checkRecoverable(t *testing.T, store kept, lost map[key]string) {
	t.Helper()
	for k, word := range lost {
		stored := store.copies[k]
		if (word == "superseded" && stored) || ((word == "exact" || word == "snapshot") && !stored) {
			t.Errorf("%v: %s, and stored %t", k, word, stored)
		}
	}
}
