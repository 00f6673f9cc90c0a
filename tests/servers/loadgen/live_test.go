// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// hubRun is a live hub under a clock of its own, with all that it did, in order.
type hubRun struct {
	now       int64
	writes    []write
	published []arrival
	world     *world
	log       []logLine
}

type write struct {
	done        int64
	aggregate   string
	first, last uint64
}

type arrival struct {
	time   int64
	writes int // those before it
	key    key
}

type logLine struct {
	What      string
	Aggregate string `json:"aggregate_id"`
	Version   uint64
	Time      int64
	Saved     int64
	Stored    int64
	Due       int64
	Published int64
	Begun     int64
	Done      int64
	Word      string
}

func (l *logLine) key() key { return key{l.Aggregate, l.Version, 1} }

const putTime = 2 * millisecond

func (h *hubRun) put(_ string, document []byte) error {
	h.now += putTime
	value := func(name string) uint64 { return uint64(bson.Raw(document).Lookup(name).Int64()) }
	h.writes = append(h.writes, write{
		h.now, bson.Raw(document).Lookup("aggregateid").StringValue(), value("firstversion"), value("latestversion"),
	})
	return nil
}

func (h *hubRun) close(uint64) error { return nil }

type arrivals struct {
	h *hubRun
	t *testing.T
}

func (s arrivals) close(uint64) error { return nil }
func (s arrivals) send(subject string, body []byte) error {
	stream := newSeen()
	stream.add(s.t, subject, body)
	for k := range stream.events {
		s.h.published = append(s.h.published, arrival{s.h.now, len(s.h.writes), k})
	}
	return nil
}

func runLiveHub(t *testing.T, arguments string) *hubRun {
	t.Helper()
	o, err := parseOptions(strings.Fields("--live 5m --lost 0.05 " + arguments))
	if err != nil {
		t.Fatal(err)
	}
	h := &hubRun{now: 1_000_000 * second}
	var log bytes.Buffer
	h.world = newWorld(o, &outlet{sinks: []sink{arrivals{h, t}}})
	l := newLive(h.world, &textFile{out: bufio.NewWriter(&log)})
	l.shelf = h
	l.clock = clock{func() int64 { h.now += 1000; return h.now }, func(ns int64) { h.now += ns }}
	h.world.live = l
	if err := l.run(); err != nil {
		t.Fatal(err)
	}
	l.log.out.Flush()
	for text := range bytes.Lines(log.Bytes()) {
		var x logLine
		if err := json.Unmarshal(text, &x); err != nil {
			t.Fatal(err)
		}
		h.log = append(h.log, x)
	}
	return h
}

func eachRegime(t *testing.T, check func(*testing.T, *hubRun)) {
	for _, regime := range []string{"current", "older"} {
		t.Run(regime, func(t *testing.T) { check(t, runLiveHub(t, "--regime "+regime)) })
	}
}

func (h *hubRun) lines(what string) map[key]logLine {
	found := map[key]logLine{}
	for _, x := range h.log {
		if x.What == what {
			found[x.key()] = x
		}
	}
	return found
}

func TestLiveStoresAndCutsBeforeItPublishes(t *testing.T) {
	eachRegime(t, func(t *testing.T, h *hubRun) {
		held := map[string]write{}
		next := 0
		for _, a := range h.published {
			for ; next < a.writes; next++ {
				held[h.writes[next].aggregate] = h.writes[next]
			}
			document, stored := held[a.key.aggregate]
			if !stored || document.last < a.key.version {
				t.Fatalf("%v was published before it was stored", a.key)
			}
			if !h.world.o.older && document.first != document.last {
				t.Fatalf("%v was published before older events were removed", a.key)
			}
		}
		if len(h.published) < 5000 {
			t.Errorf("%d events in 5 minutes", len(h.published))
		}
	})
}

func TestLiveLogNamesWhatIsLostAndNothingElse(t *testing.T) {
	eachRegime(t, func(t *testing.T, h *hubRun) {
		lost, there := h.lines("lost"), map[key]bool{}
		for _, a := range h.published {
			if there[a.key] {
				t.Errorf("%v was published twice", a.key)
			}
			there[a.key] = true
		}
		saved := 0
		for _, d := range h.world.devices {
			for _, a := range d.all {
				for v := range a.next {
					k := key{a.id, v, 1}
					saved++
					if _, isLost := lost[k]; isLost == there[k] {
						t.Errorf("%v: lost %t, published %t", k, isLost, there[k])
					}
				}
			}
		}
		if len(lost) < saved/50 || len(lost)+len(there) != saved {
			t.Errorf("%d saved, %d lost, %d published", saved, len(lost), len(there))
		}
	})
}

func TestLiveTellsEveryLatePublish(t *testing.T) {
	eachRegime(t, func(t *testing.T, h *hubRun) {
		announced, told := h.lines("delayed"), h.lines("published")
		late := 0
		for _, a := range h.published {
			x, isTold := told[a.key]
			if !isTold {
				continue
			}
			late++
			behind := x.Published - x.Saved
			if behind <= second || behind > int64(h.world.o.live.delayMost)+second {
				t.Errorf("%v is %d ms late", a.key, behind/millisecond)
			}
			if d := a.time - x.Published; d < 0 || d > millisecond {
				t.Errorf("%v: published %d ns from what the log says", a.key, d)
			}
		}
		for k, x := range announced {
			y, came := told[k]
			if !came || y.Published < x.Due || y.Published > x.Due+second {
				t.Errorf("%v was due and did not come then", k)
			}
		}
		if late < 100 || late != len(told) || len(announced) < late/2 {
			t.Errorf("%d late, %d announced", late, len(announced))
		}
	})
}

func TestLivePublishesOutOfOrderAndInOrder(t *testing.T) {
	h := runLiveHub(t, "--live-delayed 0.2")
	highest := map[string]uint64{}
	behind := 0
	for _, a := range h.published {
		if a.key.version < highest[a.key.aggregate] {
			behind++
		}
		highest[a.key.aggregate] = max(highest[a.key.aggregate], a.key.version)
	}
	if behind < 50 || behind > len(h.published)/2 {
		t.Errorf("%d of %d behind a later version", behind, len(h.published))
	}
	h = runLiveHub(t, "--live-delayed 0 --live-delay-most 1ms")
	if n := len(h.lines("published")); n > 0 {
		t.Errorf("%d late, and none was to be", n)
	}
}

// The log says what of a lost event the store has, from when on: the documents know it too.
func TestLiveLogFollowsTheCopies(t *testing.T) {
	eachRegime(t, func(t *testing.T, h *hubRun) {
		history := map[string][]write{}
		for _, x := range h.writes {
			history[x.aggregate] = append(history[x.aggregate], x)
		}
		at := func(aggregate string, time int64) write {
			var found write
			for _, x := range history[aggregate] {
				if x.done <= time {
					found = x
				}
			}
			return found
		}
		lost := h.lines("lost")
		words := map[string]int{}
		for _, x := range h.log {
			time := x.Stored
			if x.What == "copy" {
				time = x.Done
			}
			if _, isLost := lost[x.key()]; !isLost || time == 0 {
				continue
			}
			document := at(x.Aggregate, time)
			held := x.Version >= document.first && x.Version <= document.last
			words[x.Word]++
			if (held && x.Word == "superseded") || (!held && (x.Word == "exact" || x.Word == "snapshot")) {
				t.Errorf("%v is %s, the store has %d to %d", x.key(), x.Word, document.first, document.last)
			}
		}
		checkLast(t, h, lost, words)
	})
}

// checkLast compares the last word of each with what the reports at the end say.
func checkLast(t *testing.T, h *hubRun, lost map[key]logLine, words map[string]int) {
	t.Helper()
	last := map[key]string{}
	for _, x := range h.log {
		if x.Word != "" {
			last[x.key()] = x.Word
		}
	}
	for _, x := range h.world.truth.lost {
		k := key{x.aggregate.id, x.version, 1}
		if want := recoveryOf(x.aggregate, x.version).word; last[k] != want {
			t.Errorf("%v is %s at the end, the log ends with %q", k, want, last[k])
		}
	}
	if len(lost) != len(h.world.truth.lost) || words["superseded"] == 0 || words["rebuilt"]+words["exact"] == 0 {
		t.Errorf("%d lost, %d in the log; %v", len(h.world.truth.lost), len(lost), words)
	}
}

func TestLiveRunsAsLongAndAsFastAsAsked(t *testing.T) {
	h := runLiveHub(t, "--live-rate 50")
	begin, end := h.lines("begin"), h.lines("end")
	took := end[key{"", 0, 1}].Time - begin[key{"", 0, 1}].Time
	if took < int64(5*time.Minute) || took > int64(5*time.Minute+31*time.Second) {
		t.Errorf("took %d s", took/second)
	}
	if rate := float64(len(h.published)+len(h.lines("lost"))) / 300; rate < 45 || rate > 60 {
		t.Errorf("%.0f events/s", rate)
	}
}

// The log has the machine's clock, the events have the hub's.
func TestLiveHubsClockIsTheEventsAlone(t *testing.T) {
	here, ahead := runLiveHub(t, ""), runLiveHub(t, "--hub-clock 20s")
	a, b := here.lines("lost"), ahead.lines("lost")
	for k, x := range a {
		if b[k].Saved != x.Saved || b[k].Stored != x.Stored {
			t.Errorf("%v: saved %d ns, stored %d ns later", k, b[k].Saved-x.Saved, b[k].Stored-x.Stored)
		}
	}
	for i, x := range here.world.truth.lost {
		if shift := ahead.world.truth.lost[i].time - x.time; shift != 20*second {
			t.Errorf("%s@%d: the event is %d ns ahead", x.aggregate.id, x.version, shift)
		}
	}
	if len(a) < 100 || len(a) != len(b) {
		t.Errorf("%d and %d lost", len(a), len(b))
	}
}

func TestLiveRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, arguments := range []string{"--late 0.1", "--split", "--outages 1", "--delayed 0.1", "--deleted-devices 1", "--live-rate 0", "--live-delayed 2"} {
		if _, err := parseOptions(strings.Fields("--live 1m " + arguments)); err == nil {
			t.Errorf("%s was taken", arguments)
		}
	}
}
