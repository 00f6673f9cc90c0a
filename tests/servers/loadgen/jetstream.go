package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// Waiting for an acknowledgement of each message would halve the rate. One
	// in so many asks for it; as sequences are given in order, its number
	// proves all before it.
	ackEvery = 256
	// The server drops what exceeds 10,000 messages in front of a stream.
	acksInFlight = 16
	ackTimeout   = 30 * time.Second
)

// stream publishes to JetStream.
type stream struct {
	connection *nats.Conn
	manager    nats.JetStreamContext
	name       string
	inbox      string
	acks       chan *nats.Msg
	before     uint64   // last sequence when we came
	stored     uint64   // messages when we came
	sent       uint64   // by us
	expected   []uint64 // sequences that acknowledgements must name
}

func openStream(url, name string, tls tlsFiles) (*stream, error) {
	options := []nats.Option{nats.Name("loadgen"), nats.NoReconnect()}
	if tls.ca != "" {
		options = append(options, nats.RootCAs(tls.ca))
	}
	if tls.cert != "" {
		options = append(options, nats.ClientCert(tls.cert, tls.key))
	}
	connection, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	s := &stream{connection: connection, name: name, inbox: nats.NewInbox(), acks: make(chan *nats.Msg, 2*acksInFlight)}
	if s.manager, err = connection.JetStream(); err != nil {
		return nil, err
	}
	if _, err = connection.ChanSubscribe(s.inbox, s.acks); err != nil {
		return nil, err
	}
	return s, s.ensure()
}

// ensure makes the stream as the hub documents it, when there is none.
func (s *stream) ensure() error {
	info, err := s.manager.StreamInfo(s.name)
	if errors.Is(err, nats.ErrStreamNotFound) {
		info, err = s.manager.AddStream(&nats.StreamConfig{
			Name:              s.name,
			Subjects:          []string{"plgd.>"},
			Retention:         nats.LimitsPolicy,
			MaxConsumers:      -1,
			MaxMsgsPerSubject: -1,
			MaxMsgs:           -1,
			MaxBytes:          -1,
			MaxMsgSize:        -1,
			Storage:           nats.FileStorage,
			Discard:           nats.DiscardOld,
			Replicas:          1,
			Duplicates:        10 * time.Minute,
		})
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", s.name, err)
	}
	s.before, s.stored = info.State.LastSeq, info.State.Msgs
	return nil
}

func (s *stream) send(subject string, body []byte) error {
	s.sent++
	if s.sent%ackEvery != 0 {
		return s.connection.Publish(subject, body)
	}
	s.expected = append(s.expected, s.before+s.sent)
	if err := s.connection.PublishRequest(subject, s.inbox, body); err != nil {
		return err
	}
	if len(s.expected) < acksInFlight {
		return nil
	}
	return s.awaitAck()
}

func (s *stream) awaitAck() error {
	select {
	case m := <-s.acks:
		return s.check(m)
	default:
	}
	// What it answers to may still be in our own buffer.
	if err := s.connection.FlushTimeout(ackTimeout); err != nil {
		return err
	}
	select {
	case m := <-s.acks:
		return s.check(m)
	case <-time.After(ackTimeout):
		return fmt.Errorf("stream %s: no acknowledgement in %s", s.name, ackTimeout)
	}
}

func (s *stream) check(m *nats.Msg) error {
	var ack struct {
		Stream string          `json:"stream"`
		Seq    uint64          `json:"seq"`
		Error  json.RawMessage `json:"error"`
	}
	if m.Header.Get("Status") != "" {
		return fmt.Errorf("stream %s: status %s", s.name, m.Header.Get("Status"))
	}
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return fmt.Errorf("stream %s: acknowledgement %q: %w", s.name, m.Data, err)
	}
	want := s.expected[0]
	s.expected = s.expected[1:]
	if ack.Error != nil || ack.Stream != s.name || ack.Seq != want {
		return fmt.Errorf("stream %s: sequence %d expected, the server says %s", s.name, want, m.Data)
	}
	return nil
}

// close compares what the stream has now with what was sent.
func (s *stream) close(count uint64) error {
	defer s.connection.Close()
	for len(s.expected) > 0 {
		if err := s.awaitAck(); err != nil {
			return err
		}
	}
	if err := s.connection.FlushTimeout(ackTimeout); err != nil {
		return err
	}
	var got uint64
	for deadline := time.Now().Add(ackTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		info, err := s.manager.StreamInfo(s.name)
		if err != nil {
			return err
		}
		if got = info.State.Msgs - s.stored; got == count {
			return nil
		}
	}
	return fmt.Errorf("stream %s: %d messages were sent and %d are stored", s.name, count, got)
}
