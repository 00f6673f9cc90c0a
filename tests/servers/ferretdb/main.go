// Command ferretdb serves the MongoDB protocol from SQLite files in one
// directory, for tests that need a store and have no mongod.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

const (
	readyTimeout = 20 * time.Second
	readyPause   = 20 * time.Millisecond
)

type options struct {
	dir, listen, portFile    string
	tlsCert, tlsKey, tlsRoot string
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "directory of the SQLite files (made when absent)")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to serve; port 0 takes a free one")
	flag.StringVar(&o.portFile, "port-file", "", "file that receives the port once it answers")
	flag.StringVar(&o.tlsCert, "tls-cert", "", "certificate: serve TLS only")
	flag.StringVar(&o.tlsKey, "tls-key", "", "key of the certificate")
	flag.StringVar(&o.tlsRoot, "tls-ca", "", "authority that client certificates must come from")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "ferretdb: unexpected argument", flag.Arg(0))
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		stop()
		os.Exit(1)
	}
}

// serve runs until ctx ends.
func serve(ctx context.Context, o options) error {
	config, err := configure(o)
	if err != nil {
		return err
	}
	db, err := ferretdb.New(config)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	// Before this goroutine runs the address is not set and MongoDBURI blocks.
	go func() { done <- db.Run(ctx) }()

	if err := announce(ctx, db.MongoDBURI(), o); err != nil {
		return err
	}
	return <-done
}

func configure(o options) (*ferretdb.Config, error) {
	if o.dir == "" {
		return nil, errors.New("--dir is missing")
	}
	if (o.tlsCert == "") != (o.tlsKey == "") || (o.tlsRoot != "" && o.tlsCert == "") {
		return nil, errors.New("--tls-cert and --tls-key go together; --tls-ca needs them")
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := &ferretdb.Config{
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: (&url.URL{Scheme: "file", Path: dir + "/"}).String(),
	}
	if o.tlsCert == "" {
		config.Listener.TCP = o.listen
		return config, nil
	}
	config.Listener.TLS = o.listen
	config.Listener.TLSCertFile = o.tlsCert
	config.Listener.TLSKeyFile = o.tlsKey
	config.Listener.TLSCAFile = o.tlsRoot
	return config, nil
}

// announce writes the port file, but only after a connection was accepted:
// who reads the file may connect at once.
func announce(ctx context.Context, uri string, o options) error {
	parsed, err := url.Parse(uri)
	if err != nil {
		return err
	}
	if err := awaitAccept(ctx, parsed.Host); err != nil {
		return err
	}
	if o.portFile == "" {
		return nil
	}
	return writeAtomically(o.portFile, parsed.Port()+"\n")
}

func awaitAccept(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", address, err)
		case <-time.After(readyPause):
		}
	}
}

// writeAtomically lets a reader see the whole file or none.
func writeAtomically(path, text string) error {
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
