// Command loadgen writes what a plgd hub would have left behind on a JetStream
// stream and in an event store, with losses and other trouble as asked for,
// and says what an audit must find. The same options give the same bytes.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"evtrail.test/servers/store"
	"go.mongodb.org/mongo-driver/bson"
)

func main() {
	o, err := parseOptions(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(2)
	}
	if err := generate(o); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
}

func generate(o options) error {
	out, err := openOutlet(o)
	if err != nil {
		return err
	}
	began := time.Now()
	w := newWorld(o, out)
	run := w.run
	if o.live.duration > 0 {
		run = w.runLive
	}
	if err := run(); err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	fmt.Fprintf(os.Stderr, "loadgen: %d events up to %s, %d messages in %.2f s, %.0f/s\n",
		w.saved, w.newest().Format(time.RFC3339Nano), out.count, took, float64(out.count)/took)
	if err := w.writeStores(); err != nil {
		return err
	}
	return w.writeReports()
}

func openOutlet(o options) (*outlet, error) {
	out := &outlet{skip: o.trap.skip}
	if o.nats != "" {
		s, err := openStream(o.nats, o.stream, o.tls)
		if err != nil {
			return nil, err
		}
		out.sinks = append(out.sinks, s)
	}
	if o.messages != "" {
		f, err := newMessageFile(o.messages)
		if err != nil {
			return nil, err
		}
		out.sinks = append(out.sinks, f)
	}
	return out, nil
}

// writeStores runs over the documents even when nobody wants them: the truth
// counts them.
func (w *world) writeStores() error {
	ctx := context.Background()
	var client *store.Client
	if w.o.mongo != "" && w.live == nil {
		var err error
		if client, err = store.Connect(ctx, w.o.mongo); err != nil {
			return err
		}
		defer client.Disconnect(ctx)
	}
	events := &documentSink{ctx: ctx, client: client, database: w.o.db, collection: store.EventsCollection, replace: w.o.replace}
	if err := events.fill(w.o.bson, w.documents); err != nil {
		return err
	}
	owners := &documentSink{ctx: ctx, client: client, database: w.o.ownersDB, collection: "userdevices", replace: w.o.replace}
	return owners.fill(w.o.ownersBSON, w.ownerDocuments)
}

// documentSink is a file, a collection, both or none.
type documentSink struct {
	ctx        context.Context
	client     *store.Client
	database   string
	collection string
	replace    bool
}

func (s *documentSink) fill(path string, documents func(func([]byte) error) error) error {
	file, err := newTextFile(path)
	if err != nil {
		return err
	}
	var writer *store.Writer
	if s.client != nil {
		collection := s.client.Database(s.database).Collection(s.collection)
		if s.replace {
			if err := collection.Drop(s.ctx); err != nil {
				return err
			}
		}
		if err := store.Prepare(s.ctx, collection); err != nil {
			return err
		}
		writer = store.NewWriter(s.ctx, collection)
	}
	err = documents(func(document []byte) error {
		file.out.Write(document)
		if writer == nil {
			return nil
		}
		return writer.Add(bson.Raw(document))
	})
	if err == nil && writer != nil {
		err = writer.Flush()
	}
	if err != nil {
		return err
	}
	return file.close()
}

func (w *world) writeReports() error {
	w.judge()
	w.truth.sort()
	for _, report := range []struct {
		path  string
		write func(*bufio.Writer)
	}{
		{w.o.truth, w.writeTruth},
		{w.o.lostOut, w.truth.writeLost},
		{w.o.unprovable, w.truth.writeUnprovable},
		{w.o.expected, func(out *bufio.Writer) { writeExpected(out, w.expected()) }},
	} {
		if report.path == "" {
			continue
		}
		file, err := newTextFile(report.path)
		if err != nil {
			return err
		}
		report.write(file.out)
		if err := file.close(); err != nil {
			return err
		}
	}
	return nil
}

// textFile keeps the first error until it is closed, as bufio does.
type textFile struct {
	file *os.File
	out  *bufio.Writer
}

// newTextFile without a path swallows what it is given.
func newTextFile(path string) (*textFile, error) {
	if path == "" {
		path = os.DevNull
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &textFile{file, bufio.NewWriterSize(file, 1<<20)}, nil
}

func (f *textFile) close() error {
	if err := f.out.Flush(); err != nil {
		return err
	}
	return f.file.Close()
}
