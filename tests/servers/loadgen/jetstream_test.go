package main

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func startServer(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

// TestStreamHasWhatTheFileHas publishes a run and reads it back.
func TestStreamHasWhatTheFileHas(t *testing.T) {
	url := startServer(t)
	folder := t.TempDir()
	runIn(t, folder, regimes["current"]+" --nats "+url)
	want := readMessages(t, folder)

	connection, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	js, err := connection.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	subscription, err := js.SubscribeSync("plgd.>", nats.OrderedConsumer())
	if err != nil {
		t.Fatal(err)
	}
	got := newSeen()
	for range want.messages {
		m, err := subscription.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Header) > 0 {
			t.Fatalf("%s has headers", m.Subject)
		}
		got.add(t, m.Subject, m.Data)
	}
	compareSeen(t, want, got)
}

func compareSeen(t *testing.T, want, got *seen) {
	t.Helper()
	if got.duplicates != want.duplicates || got.registrations != want.registrations || len(got.events) != len(want.events) {
		t.Errorf("duplicates %d, registrations %d, events %d", got.duplicates, got.registrations, len(got.events))
	}
	for k, raw := range want.events {
		if string(got.events[k]) != string(raw) {
			t.Errorf("%v differs", k)
		}
	}
}

// TestLossOnTheWayIsNoticed: the stream takes less than it is sent.
func TestLossOnTheWayIsNoticed(t *testing.T) {
	s, err := openStream(startServer(t), "EVENTS", tlsFiles{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 * ackEvery {
		if err := s.send("plgd.x", []byte("y")); err != nil {
			t.Fatal(err)
		}
	}
	// Sequences that nobody else should have taken.
	s.expected[len(s.expected)-1]++
	if err := s.close(3 * ackEvery); err == nil {
		t.Error("a wrong sequence passed")
	}
}
