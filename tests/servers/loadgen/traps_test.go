// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"go.mongodb.org/mongo-driver/bson"
	"google.golang.org/protobuf/encoding/protowire"
)

// traps are histories with one trap each, and losses beside it.
var traps = map[string]string{
	"swapped":       "--swapped 0.2",
	"delayed":       "--delayed 0.2 --delay 10m",
	"outages":       "--outages 3 --outage-time 1h",
	"clocks":        "--replica-clock 2s",
	"early":         "--deleted-devices 4 --second-lives 4 --early-lives 3",
	"restarts":      "--restarts 4",
	"c2c":           "--c2c 6 --deleted-devices 2",
	"registrations": "--lost-registrations 0.5",
	"links":         "--lost-links 0.5 --forced 0.05",
	"forced":        "--forced 0.05 --forced-later 0.1",
	"restored":      "--backup-at 0.2 --restore-at 0.6",
	"owned":         "--backup-at 0.1 --restore-at 0.6 --restore-owners=false",
	"risen":         "--backup-at 0.6 --restore-at 0.9 --deleted-devices 5 --silent-deletes 5 --second-lives 8",
	"crashes":       "--crashes 4",
	"resets":        "--resets 4",
	"inactive":      "--inactive 3",
	"oversized":     "--oversized 3",
	"malformed":     "--malformed 6",
	"upgraded":      "--regime older --upgrade-at 0.5 --old-subjects 0.3 --forced 0.05 --leadrt",
	"bursts":        "--bursts 0.2",
	"horizon":       "--horizon 2000",
	"holes":         "--holes 100-120,1000,1500-1600",
	"anything":      "--lose-all --crashes 2",
	"silent":        "--silences 12h+30m,14h+1h",
	"latelinks":     "--late-links 0.5 --delay 3h",
	"stopped":       "--stop 3000 --delayed 0.2",
	"delivered":     "--stop 3000 --delayed 0.2 --deliver",
}

// sent is a message as a reader without any memory sees it.
type sent struct {
	subject, kind, device, aggregate string
	version                          uint64
	time                             int64
	raw                              []byte
	bad                              bool
}

// metadataField is where an event says its version and time.
var metadataField = map[string]protowire.Number{
	"resourcechanged": 5, "resourceupdatepending": 5, "resourceupdated": 5, "resourceretrievepending": 4,
	"resourceretrieved": 5, "resourcecreatepending": 4, "resourcecreated": 5, "resourcedeletepending": 3,
	"resourcedeleted": 5, "resourcelinkspublished": 4, "resourcelinksunpublished": 4,
	"devicemetadataupdatepending": 4, "devicemetadataupdated": 5, "resourcestatesnapshottaken": 8,
	"resourcelinkssnapshottaken": 3, "devicemetadatasnapshottaken": 4,
}

func readSent(t *testing.T, folder string) []sent {
	t.Helper()
	var all []sent
	for b := read(t, folder, "messages-out"); len(b) > 0; {
		subject, n := protowire.ConsumeBytes(b)
		body, m := protowire.ConsumeBytes(b[n:])
		b = b[n+m:]
		all = append(all, readMessage(string(subject), body))
	}
	return all
}

func readMessage(subject string, body []byte) sent {
	tokens := strings.Split(subject, ".")
	x := sent{subject: subject}
	if tokens[3] == "registrations" {
		x.kind = tokens[4]
		raw, _ := snappy.Decode(nil, body)
		for _, change := range tryFields(raw) {
			x.device = string(tryFields(change[0].bytes)[2][0].bytes)
		}
		return x
	}
	x.device, x.bad = tokens[4], true
	e := tryFields(body)
	if e == nil || e[4] == nil || e[5] == nil {
		return x
	}
	raw, err := snappy.Decode(nil, e[5][0].bytes)
	x.kind, x.aggregate, x.raw = string(e[2][0].bytes), string(e[4][0].bytes), raw
	inner := tryFields(raw)
	if err != nil || inner == nil {
		return x
	}
	metadata := tryFields(inner[metadataField[x.kind]][0].bytes)
	version := func(f []field) uint64 {
		if f == nil {
			return 0
		}
		return f[0].number
	}
	x.version, x.time = version(e[1]), int64(metadata[2][0].number)
	x.bad = x.version != version(metadata[1])
	return x
}

// tryFields returns nil for what is no protobuf.
func tryFields(b []byte) map[protowire.Number][]field {
	fields := map[protowire.Number][]field{}
	for len(b) > 0 {
		n, kind, length := protowire.ConsumeTag(b)
		if length < 0 {
			return nil
		}
		b = b[length:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.number, length = protowire.ConsumeVarint(b)
		default:
			f.bytes, length = protowire.ConsumeBytes(b)
		}
		if length < 0 {
			return nil
		}
		b = b[length:]
		fields[n] = append(fields[n], f)
	}
	return fields
}

type storedDocument struct {
	ID        any    `bson:"_id"`
	Device    string `bson:"groupid"`
	Aggregate string `bson:"aggregateid"`
	First     int64  `bson:"firstversion"`
	Latest    int64  `bson:"latestversion"`
	Active    bool   `bson:"isactive"`
	Events    []struct {
		Version   int64
		EventType string `bson:"eventtype"`
		Data      []byte
	}
}

func readDocuments(t *testing.T, folder string) []storedDocument {
	t.Helper()
	var all []storedDocument
	for b := read(t, folder, "bson"); len(b) > 0; {
		raw, rest, ok := bsonDocument(b)
		var d storedDocument
		if !ok || bson.Unmarshal(raw, &d) != nil {
			t.Fatal("no document")
		}
		b = rest
		all = append(all, d)
	}
	return all
}

// told is a line of a report.
type told struct {
	Aggregate string `json:"aggregate_id"`
	Device    string `json:"device_id"`
	Version   uint64
	Time      int64 `json:"timestamp"`
	Messages  int
	Kind      string
	Why       string
	Verdict   string
	Digest    string `json:"true_sha256"`
}

func readTold(t *testing.T, folder, name string) []told {
	t.Helper()
	var all []told
	for _, text := range bytes.Split(bytes.TrimSpace(read(t, folder, name)), []byte("\n")) {
		var x told
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &x); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

func ofKind(all []told, kind string) []told {
	return slices.DeleteFunc(slices.Clone(all), func(x told) bool { return x.Kind != kind })
}

func runTrap(t *testing.T, name string) string {
	t.Helper()
	folder := t.TempDir()
	runIn(t, folder, "--lost 0.03 "+traps[name])
	return folder
}

func readExpected(t *testing.T, folder string) map[string]int {
	t.Helper()
	var e map[string]int
	if err := json.Unmarshal(read(t, folder, "expected"), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTrapsAreTheSameEachTime(t *testing.T) {
	for name := range traps {
		t.Run(name, func(t *testing.T) {
			first, second := runTrap(t, name), runTrap(t, name)
			for _, file := range []string{"messages-out", "bson", "owners-bson", "truth", "lost-out", "unprovable", "expected"} {
				if !bytes.Equal(read(t, first, file), read(t, second, file)) {
					t.Errorf("%s differs", file)
				}
			}
		})
	}
}

// TestTruthOfTraps: what an audit needs to be right about does not depend on which trap it is.
func TestTruthOfTraps(t *testing.T) {
	for name := range traps {
		t.Run(name, func(t *testing.T) {
			folder := runTrap(t, name)
			messages := readSent(t, folder)
			checkLostIsNotThere(t, folder, messages)
			checkAllIsTold(t, folder, messages)
			checkCounts(t, name, readExpected(t, folder), len(messages))
		})
	}
}

func checkLostIsNotThere(t *testing.T, folder string, messages []sent) {
	t.Helper()
	there := map[string]bool{}
	for _, m := range messages {
		digest := sha256.Sum256(m.raw)
		there[hex.EncodeToString(digest[:])] = !m.bad
	}
	for _, x := range readTold(t, folder, "lost-out") {
		if there[x.Digest] {
			t.Errorf("%s@%d is lost and on the stream", x.Aggregate, x.Version)
		}
	}
}

// checkAllIsTold: no number of the store is missing without a reason.
func checkAllIsTold(t *testing.T, folder string, messages []sent) {
	t.Helper()
	type number struct {
		aggregate string
		version   uint64
	}
	known := map[number]bool{}
	for _, m := range messages {
		if !m.bad {
			known[number{m.aggregate, m.version}] = true
		}
	}
	for _, name := range []string{"lost-out", "unprovable", "truth"} {
		for _, x := range readTold(t, folder, name) {
			known[number{x.Aggregate, x.Version}] = true
		}
	}
	for _, d := range readDocuments(t, folder) {
		for v := range uint64(d.Latest) + 1 {
			if !known[number{d.Aggregate, v}] {
				t.Errorf("%s@%d is stored, not on the stream, and nobody says why", d.Aggregate, v)
			}
		}
	}
}

func checkCounts(t *testing.T, name string, e map[string]int, messages int) {
	t.Helper()
	if name != "horizon" && name != "holes" && e["messages"] != messages {
		t.Errorf("messages: %d and %d", e["messages"], messages)
	}
	if _, whole := e["covered"]; !whole {
		return
	}
	for what, sums := range map[string][2]int{
		"expected": {e["expected"], e["covered"] + e["lost_in_store"] + e["lost_in_gap"] + e["before_horizon"] +
			e["unverifiable_gap"] + e["unannounced"] + e["undecided"]},
		"messages": {e["messages"], e["registrations"] + e["covered"] + e["deleted_device"] + e["forked"] + e["ahead"] +
			e["duplicate"] + e["malformed_message"]},
		"lost": {e["lost"], e["lost_in_store"] + e["lost_deleted"]},
	} {
		if sums[0] != sums[1] {
			t.Errorf("%s: %d and %d", what, sums[0], sums[1])
		}
	}
}

// good are the messages of events that can be read, in the order of the stream.
func good(messages []sent) []sent {
	return slices.DeleteFunc(slices.Clone(messages), func(m sent) bool { return m.bad || m.aggregate == "" })
}

// latenesses are how far the event times of the stream fall back behind the newest so far.
func latenesses(messages []sent) []time.Duration {
	var all []time.Duration
	newest := int64(0)
	for _, m := range good(messages) {
		if late := time.Duration(newest - m.time); late > 0 {
			all = append(all, late)
		}
		newest = max(newest, m.time)
	}
	return all
}

// overtaken counts the versions that come behind higher ones of their aggregate.
func overtaken(messages []sent) int {
	n := 0
	highest := map[string]uint64{}
	for _, m := range good(messages) {
		if m.version < highest[m.aggregate] {
			n++
		}
		highest[m.aggregate] = max(highest[m.aggregate], m.version)
	}
	return n
}

func TestLateMessages(t *testing.T) {
	for name, bounds := range map[string][2]time.Duration{
		"delayed": {5 * time.Minute, 15 * time.Minute}, "outages": {50 * time.Minute, 65 * time.Minute},
	} {
		late := latenesses(readSent(t, runTrap(t, name)))
		if longest := slices.Max(late); longest < bounds[0] || longest > bounds[1] {
			t.Errorf("%s: up to %s late", name, longest)
		}
	}
	for _, name := range []string{"swapped", "delayed", "outages"} {
		if n := overtaken(readSent(t, runTrap(t, name))); n < 10 {
			t.Errorf("%s: only %d messages are overtaken", name, n)
		}
	}
}

func TestClocks(t *testing.T) {
	back := 0
	newest := map[string]int64{}
	for _, m := range good(readSent(t, runTrap(t, "clocks"))) {
		if behind := newest[m.aggregate] - m.time; behind > 0 {
			back++
			if behind > int64(2*time.Second) {
				t.Errorf("%s@%d: %s back", m.aggregate, m.version, time.Duration(behind))
			}
		}
		newest[m.aggregate] = max(newest[m.aggregate], m.time)
	}
	if back == 0 {
		t.Error("no time goes back")
	}
	folder, other := t.TempDir(), t.TempDir()
	runIn(t, folder, "")
	runIn(t, other, "--hub-clock -90m")
	a, b := good(readSent(t, folder)), good(readSent(t, other))
	for i := range a {
		if a[i].time-b[i].time != int64(90*time.Minute) || a[i].version != b[i].version {
			t.Fatalf("message %d: %d and %d", i, a[i].time, b[i].time)
		}
	}
}

func TestLives(t *testing.T) {
	begun := map[string]bool{}
	early := 0
	for _, m := range readSent(t, runTrap(t, "early")) {
		switch {
		case m.kind == "devicemetadataupdatepending" && m.version == 0:
			begun[m.device] = true
		case m.kind == "devicesunregistered" && begun[m.device]:
			early++
		}
	}
	if early != 3 {
		t.Errorf("%d lives begin before the end of the last one", early)
	}

	zeros, registered := map[string]int{}, map[string]int{}
	again := 0
	for _, m := range readSent(t, runTrap(t, "restarts")) {
		if m.kind == "devicesregistered" {
			registered[m.device]++
		}
		if m.aggregate != "" && m.version == 0 {
			zeros[m.aggregate]++
			if zeros[m.aggregate] == 2 {
				again++
			}
		}
	}
	if again < 4 {
		t.Errorf("%d aggregates start again", again)
	}
	for device, n := range registered {
		if n > 1 {
			t.Errorf("%s is registered %d times", device, n)
		}
	}
}

func TestCloudToCloud(t *testing.T) {
	registered, owners := map[string]int{}, map[string]map[string]bool{}
	zeros := map[string]int{}
	for _, m := range readSent(t, runTrap(t, "c2c")) {
		if m.kind == "devicesregistered" {
			registered[m.device]++
		}
		if m.aggregate != "" {
			if owners[m.device] == nil {
				owners[m.device] = map[string]bool{}
			}
			owners[m.device][strings.Split(m.subject, ".")[2]] = true
			if m.version == 0 {
				zeros[m.aggregate]++
			}
		}
	}
	twice, moved := 0, 0
	for device, n := range registered {
		if n == 2 {
			twice++
		}
		if len(owners[device]) == 2 {
			moved++
		}
	}
	if twice != 6 || moved == 0 || moved == 6 {
		t.Errorf("%d devices are registered again, %d have another owner", twice, moved)
	}
	for aggregate, n := range zeros {
		if n > 1 {
			t.Errorf("%s starts %d times", aggregate, n)
		}
	}
}

// reused counts the numbers that two events have.
func reused(messages []sent) int {
	n := 0
	first := map[string][]byte{}
	for _, m := range good(messages) {
		at := fmt.Sprint(m.aggregate, m.version)
		if before := first[at]; before != nil && !bytes.Equal(before, m.raw) {
			n++
		}
		first[at] = m.raw
	}
	return n
}

func TestNumbersAreUsedAgain(t *testing.T) {
	// Where a resource starts at 0 again nobody is to call it a fork.
	for name, fork := range map[string]bool{"restored": true, "crashes": true, "resets": false, "restarts": false} {
		folder := runTrap(t, name)
		messages := readSent(t, folder)
		void := 0
		for _, x := range ofKind(readTold(t, folder, "truth"), "forked") {
			void += x.Messages
		}
		if e := readExpected(t, folder); (void > 0) != fork || void != e["forked"] || reused(messages) == 0 {
			t.Errorf("%s: %d numbers are used again, %d messages void, %d expected", name, reused(messages), void, e["forked"])
		}
	}
	// What was in the backup is not void.
	for _, x := range ofKind(readTold(t, runTrap(t, "crashes"), "truth"), "forked") {
		if x.Messages > crashMemory {
			t.Errorf("%s: a crash takes %d messages", x.Aggregate, x.Messages)
		}
	}
}

func TestRestoredStore(t *testing.T) {
	folder := runTrap(t, "owned")
	latest := map[string]int64{}
	devices := map[string]bool{}
	for _, d := range readDocuments(t, folder) {
		latest[d.Aggregate] = max(latest[d.Aggregate], d.Latest)
		devices[d.Device] = true
	}
	owners := string(read(t, folder, "owners-bson"))
	all := readTold(t, folder, "truth")
	gone := ofKind(all, "vanished")
	back := 0
	for _, x := range gone {
		if !strings.Contains(owners, x.Device) {
			t.Errorf("the identity store has forgotten %s", x.Device)
		}
		if devices[x.Device] {
			back++
		}
	}
	if len(gone) < 2 || back == 0 || back == len(gone) {
		t.Errorf("%d devices vanish, %d come back", len(gone), back)
	}
	for _, x := range ofKind(all, "store_lost") {
		if have, stored := latest[x.Aggregate]; stored && have >= int64(x.Version) {
			t.Errorf("%s@%d is lost by the store, and there", x.Aggregate, x.Version)
		}
	}
}

func TestDocuments(t *testing.T) {
	active := map[string][]bool{}
	for _, d := range readDocuments(t, runTrap(t, "inactive")) {
		active[d.Aggregate] = append(active[d.Aggregate], d.Active)
	}
	dead := 0
	for _, flags := range active {
		if !slices.Contains(flags, true) {
			dead++
		}
	}
	if dead != 3 {
		t.Errorf("%d aggregates have only inactive documents", dead)
	}
	resets := 0
	of := map[string][]storedDocument{}
	for _, d := range readDocuments(t, runTrap(t, "resets")) {
		of[d.Aggregate] = append(of[d.Aggregate], d)
	}
	for _, documents := range of {
		if len(documents) == 2 && !documents[0].Active && documents[1].Active && documents[0].ID != documents[1].ID {
			resets++
		}
	}
	if resets != 4 {
		t.Errorf("%d aggregates start at 0 again", resets)
	}
}

func TestBodies(t *testing.T) {
	folder := runTrap(t, "malformed")
	bad := 0
	for _, m := range readSent(t, folder) {
		if m.bad {
			bad++
		}
	}
	e := readExpected(t, folder)
	if bad != 6 || e["malformed_message"] != 6 {
		t.Errorf("%d messages cannot be read, %d expected", bad, e["malformed_message"])
	}
	folder = runTrap(t, "oversized")
	large := 0
	for _, x := range ofKind(readTold(t, folder, "truth"), "lost") {
		if x.Why == "max_payload" {
			large++
		}
	}
	if large != 3 {
		t.Errorf("%d events are too large", large)
	}
}

// TestSilences: in those spans nothing is published, and everything that was saved there is lost.
func TestSilences(t *testing.T) {
	folder := runTrap(t, "silent")
	start, err := time.Parse(time.RFC3339, defaultStart)
	if err != nil {
		t.Fatal(err)
	}
	silent := func(at int64) bool {
		since := time.Duration(at - start.UnixNano())
		return since >= 12*time.Hour && since < 12*time.Hour+30*time.Minute || since >= 14*time.Hour && since < 15*time.Hour
	}
	for _, m := range readSent(t, folder) {
		if m.aggregate != "" && silent(m.time) {
			t.Errorf("%s@%d was published at %s", m.aggregate, m.version, time.Unix(0, m.time).UTC())
		}
	}
	lost := 0
	for _, x := range ofKind(readTold(t, folder, "truth"), "lost") {
		if x.Why == "silence" {
			lost++
			if !silent(x.Time) {
				t.Errorf("%s@%d was lost at %s", x.Aggregate, x.Version, time.Unix(0, x.Time).UTC())
			}
		}
	}
	if lost < 50 {
		t.Errorf("%d events are lost", lost)
	}
	for _, wrong := range []string{"12h", "12h+", "x+2m", "1h+0s", "-1h+2m"} {
		if new(silences).Set(wrong) == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestUpgradedHub(t *testing.T) {
	messages := readSent(t, runTrap(t, "upgraded"))
	n, lastSnapshot, firstLead, lastOld := 0, 0, 0, 0
	for i, m := range messages {
		switch {
		case strings.Contains(m.kind, "snapshot"):
			lastSnapshot = i
			n++
		case strings.Contains(m.subject, ".leadrt") && firstLead == 0:
			firstLead = i
		}
		if strings.Contains(m.subject, ".resources."+m.aggregate+".") && m.aggregate != "" {
			lastOld = i
		}
	}
	if n == 0 || lastSnapshot >= firstLead || lastOld == 0 || lastOld > len(messages)*4/10 {
		t.Errorf("%d snapshots, the last at %d; leadrt from %d on; old subjects up to %d", n, lastSnapshot, firstLead, lastOld)
	}
}

func TestCommandsOfUnlinkedResources(t *testing.T) {
	later := 0
	for _, x := range ofKind(readTold(t, runTrap(t, "forced"), "truth"), "unannounced") {
		if x.Version > 0 {
			later++
		}
	}
	if later == 0 {
		t.Error("no forced command comes later")
	}
}

// TestRunsInParts: what a run leaves out is what the next one brings.
func TestRunsInParts(t *testing.T) {
	whole, first, rest := t.TempDir(), t.TempDir(), t.TempDir()
	const arguments = "--lost 0.02 --late 0.02 --deleted-devices 3 --second-lives 2 --crashes 1"
	runIn(t, whole, arguments)
	runIn(t, first, arguments+" --stop 2500")
	begin := read(t, first, "messages-out")
	runIn(t, rest, fmt.Sprintf("%s --skip %d", arguments, len(readSent(t, first))))
	if !bytes.Equal(append(begin, read(t, rest, "messages-out")...), read(t, whole, "messages-out")) {
		t.Error("the parts are not the whole")
	}
	late := 0
	for _, x := range readTold(t, runTrap(t, "stopped"), "unprovable") {
		if x.Why == "late" {
			late++
		}
	}
	missing := len(readSent(t, runTrap(t, "delivered"))) - len(readSent(t, runTrap(t, "stopped")))
	if late == 0 || late != missing {
		t.Errorf("%d messages are late, %d come in the end", late, missing)
	}
}

// TestArchivesThatBeginLateOrHaveHoles: what is not there is told by what is left of it.
func TestArchivesThatBeginLateOrHaveHoles(t *testing.T) {
	e := readExpected(t, runTrap(t, "horizon"))
	if e["before_horizon"] < 1000 || e["lost_deleted"] != 0 {
		t.Errorf("horizon: %v", e)
	}
	folder := t.TempDir()
	runIn(t, folder, "--devices 3 --holes 1000-1019,3000-3009")
	e = readExpected(t, folder)
	if e["unverifiable_gap"] != 30 || e["lost"] != 0 || e["covered"] != e["expected"]-30 {
		t.Errorf("holes of 30 messages: %v", e)
	}
	beside := readTold(t, runTrap(t, "holes"), "unprovable")
	if !slices.ContainsFunc(beside, func(x told) bool { return x.Verdict == isUnverifiable }) {
		t.Error("no loss beside a hole")
	}
	var r ranges
	if r.Set("5-7,12") != nil || r.has(4) || !r.has(5) || !r.has(7) || r.has(8) || !r.has(12) || r.between(6, 20) != 4 {
		t.Errorf("ranges: %v", r)
	}
	for _, wrong := range []string{"7-5", "x", "1-3,2-4"} {
		if new(ranges).Set(wrong) == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestWrongDoses(t *testing.T) {
	for _, arguments := range []string{"--swapped 2", "--restore-at 0.5", "--backup-at 0.5 --restore-at 0.4",
		"--replica-clock 3s", "--upgrade-at 0.5", "--early-lives 1", "--crashes -1"} {
		if _, err := parseOptions(strings.Fields(arguments)); err == nil {
			t.Errorf("%s is taken", arguments)
		}
	}
}
