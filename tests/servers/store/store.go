// Package store writes documents into collections the way the hub keeps them.
package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// EventsCollection is where the hub's event store keeps its documents.
const EventsCollection = "devices_events"

const (
	// A message to the server is limited to 48 MB, and FerretDB writes each
	// batch in one SQLite transaction: this many keep both comfortable.
	batchDocuments = 1000
	batchBytes     = 8 << 20
	// A document is limited to 16 MiB; more is a damaged length.
	maxDocument = 16<<20 + 16<<10
)

// Client and Collection are the driver's; named here so that callers need not import it.
type (
	Client     = mongo.Client
	Collection = mongo.Collection
)

// Connect opens and proves a connection.
func Connect(ctx context.Context, uri string) (*Client, error) {
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(uri))
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx, nil); err != nil {
		return nil, fmt.Errorf("%s does not answer: %w", uri, err)
	}
	return client, nil
}

// Indexes are those that the hub's event store creates.
func Indexes() []bson.D {
	return []bson.D{
		{{Key: "aggregateid", Value: 1}, {Key: "latestversion", Value: 1}},
		{{Key: "aggregateid", Value: 1}, {Key: "firstversion", Value: 1}},
		{{Key: "groupid", Value: 1}, {Key: "isactive", Value: 1}},
		{{Key: "groupid", Value: 1}, {Key: "aggregateid", Value: 1}, {Key: "isactive", Value: 1}},
		{{Key: "groupid", Value: 1}, {Key: "latesttimestamp", Value: 1}},
		{{Key: "aggregateid", Value: 1}, {Key: "latesttimestamp", Value: 1}},
		{{Key: "groupid", Value: 1}, {Key: "latestetag.timestamp", Value: -1}},
		{{Key: "serviceid", Value: 1}, {Key: "isactive", Value: 1}},
		{{Key: "groupid", Value: 1}, {Key: "types", Value: 1}, {Key: "isactive", Value: 1}},
	}
}

// Prepare creates the indexes, when the collection is the event store's.
func Prepare(ctx context.Context, collection *mongo.Collection) error {
	if collection.Name() != EventsCollection {
		return nil
	}
	var models []mongo.IndexModel
	for _, keys := range Indexes() {
		models = append(models, mongo.IndexModel{Keys: keys})
	}
	_, err := collection.Indexes().CreateMany(ctx, models)
	return err
}

// Load inserts a mongodump file.
func Load(ctx context.Context, collection *mongo.Collection, dump io.Reader) error {
	if err := Prepare(ctx, collection); err != nil {
		return err
	}
	writer := NewWriter(ctx, collection)
	reader := bufio.NewReaderSize(dump, 1<<20)
	for {
		document, err := next(reader)
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err == nil {
			err = writer.Add(document)
		}
		if err != nil {
			return err
		}
	}
}

// next returns io.EOF only between documents.
func next(reader io.Reader) (bson.Raw, error) {
	var head [4]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length < 5 || length > maxDocument {
		return nil, fmt.Errorf("a document of %d bytes", length)
	}
	document := make([]byte, length)
	copy(document, head[:])
	if _, err := io.ReadFull(reader, document[4:]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return document, bson.Raw(document).Validate()
}

// Writer inserts documents in batches.
type Writer struct {
	ctx        context.Context
	collection *mongo.Collection
	batch      []any
	bytes      int
}

// NewWriter returns a writer that must be flushed at the end.
func NewWriter(ctx context.Context, collection *mongo.Collection) *Writer {
	return &Writer{ctx: ctx, collection: collection}
}

// Add keeps document until its batch is full.
func (w *Writer) Add(document bson.Raw) error {
	w.batch = append(w.batch, document)
	w.bytes += len(document)
	if len(w.batch) < batchDocuments && w.bytes < batchBytes {
		return nil
	}
	return w.Flush()
}

// Flush inserts what is left.
func (w *Writer) Flush() error {
	if len(w.batch) == 0 {
		return nil
	}
	result, err := w.collection.InsertMany(w.ctx, w.batch, options.InsertMany().SetOrdered(false))
	if err != nil {
		return err
	}
	if len(result.InsertedIDs) != len(w.batch) {
		return fmt.Errorf("%d of %d documents inserted", len(result.InsertedIDs), len(w.batch))
	}
	w.batch, w.bytes = w.batch[:0], 0
	return nil
}
