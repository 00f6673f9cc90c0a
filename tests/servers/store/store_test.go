package store

import (
	"bytes"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func dump(t *testing.T, names ...string) []byte {
	t.Helper()
	var all []byte
	for _, name := range names {
		document, err := bson.Marshal(bson.D{{Key: "_id", Value: name}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, document...)
	}
	return all
}

func TestDocumentsComeOneByOne(t *testing.T) {
	reader := bytes.NewReader(dump(t, "a", "b"))
	for _, want := range []string{"a", "b"} {
		document, err := next(reader)
		if err != nil || document.Lookup("_id").StringValue() != want {
			t.Fatalf("%v, %v; want %s", document, err, want)
		}
	}
	if _, err := next(reader); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestDamagedDumpsAreRefused(t *testing.T) {
	whole := dump(t, "a")
	for name, input := range map[string][]byte{
		"cut in the length":   whole[:3],
		"cut in the document": whole[:len(whole)-1],
		"too long":            {0xff, 0xff, 0xff, 0x7f, 0},
		"too short":           {4, 0, 0, 0},
		"not terminated":      append(bytes.Clone(whole[:len(whole)-1]), 1),
	} {
		if _, err := next(bytes.NewReader(input)); err == nil || err == io.EOF {
			t.Errorf("%s: %v", name, err)
		}
	}
}
