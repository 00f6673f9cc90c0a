// Command loadrec puts a recording on running servers: the stream with its
// sequences and times, and every mongodump file into its collection.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"evtrail.test/servers/store"
)

const timeout = 5 * time.Minute

// recordedEvents is the database that the hub's event store has in a
// recording; --db gives it another name on the server.
const recordedEvents = "eventStore_db"

type options struct {
	nats, mongo, db, natsCLI, dir string
	drop                          bool
	tlsCA, tlsCert, tlsKey        string
}

func main() {
	o, err := parse()
	if err == nil {
		err = load(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadrec:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.nats, "nats", "", "URL of the nats-server; none: the stream is left out")
	flag.StringVar(&o.mongo, "mongo", "", "URI of the store; none: the documents are left out")
	flag.StringVar(&o.db, "db", recordedEvents,
		"database that receives "+recordedEvents+"; any other one is then called DB_ITSNAME")
	flag.BoolVar(&o.drop, "drop", false, "remove what was loaded as --db DB from the store again, and load nothing")
	flag.StringVar(&o.natsCLI, "nats-cli", "", "the nats command (default: the one beside this program)")
	flag.StringVar(&o.tlsCA, "tls-ca", "", "authority of the nats-server's certificate")
	flag.StringVar(&o.tlsCert, "tls-cert", "", "client certificate for the nats-server")
	flag.StringVar(&o.tlsKey, "tls-key", "", "key of the client certificate")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: loadrec [options] RECDIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		return o, errors.New("exactly one recording is expected")
	}
	if o.drop && (o.db == recordedEvents || o.mongo == "") {
		return o, errors.New("--drop needs --mongo and a --db of the caller's own")
	}
	o.dir = flag.Arg(0)
	if o.natsCLI == "" {
		self, err := os.Executable()
		if err != nil {
			return o, err
		}
		o.natsCLI = filepath.Join(filepath.Dir(self), "nats")
	}
	return o, nil
}

func load(o options) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if o.nats != "" && !o.drop {
		if err := restoreStream(ctx, o); err != nil {
			return err
		}
	}
	if o.mongo != "" {
		return loadDocuments(ctx, o)
	}
	return nil
}

// restoreStream leaves the work to the command that also wrote the backup:
// only the server's own restore keeps sequences and times.
func restoreStream(ctx context.Context, o options) error {
	arguments := []string{"--server", o.nats, "--no-context"}
	for flagName, value := range map[string]string{
		"--tlsca": o.tlsCA, "--tlscert": o.tlsCert, "--tlskey": o.tlsKey,
	} {
		if value != "" {
			arguments = append(arguments, flagName, value)
		}
	}
	arguments = append(arguments, "backup", "restore", "stream",
		filepath.Join(o.dir, "stream"), "--no-progress")
	output, err := exec.CommandContext(ctx, o.natsCLI, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("restore the stream of %s: %w: %s", o.dir, err, bytes.TrimSpace(output))
	}
	return nil
}

func loadDocuments(ctx context.Context, o options) error {
	files, err := filepath.Glob(filepath.Join(o.dir, "*.bson"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no .bson file in %s", o.dir)
	}
	client, err := store.Connect(ctx, o.mongo)
	if err != nil {
		return err
	}
	defer client.Disconnect(ctx)
	for _, file := range files {
		database, collection, err := target(o.db, file)
		switch {
		case err != nil:
		case o.drop:
			err = client.Database(database).Drop(ctx)
		default:
			err = loadFile(ctx, client.Database(database).Collection(collection), file)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// target takes database and collection from the name, DB.COLLECTION.bson.
func target(events, file string) (database, collection string, err error) {
	base := strings.TrimSuffix(filepath.Base(file), ".bson")
	database, collection, found := strings.Cut(base, ".")
	switch {
	case !found:
		return "", "", errors.New("the name is not DATABASE.COLLECTION.bson")
	case database == recordedEvents:
		database = events
	case events != recordedEvents:
		database = events + "_" + database
	}
	return database, collection, nil
}

func loadFile(ctx context.Context, collection *store.Collection, file string) error {
	input, err := os.Open(file)
	if err != nil {
		return err
	}
	defer input.Close()
	return store.Load(ctx, collection, input)
}
