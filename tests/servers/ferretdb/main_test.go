package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPortFileNamesAPortThatAnswers(t *testing.T) {
	folder := t.TempDir()
	o := options{dir: filepath.Join(folder, "db"), listen: "127.0.0.1:0", portFile: filepath.Join(folder, "port")}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, o) }()

	port := awaitFile(t, o.portFile)
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

func awaitFile(t *testing.T, path string) string {
	t.Helper()
	for range 500 {
		if text, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(text))
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("no port file")
	return ""
}

func TestHalfOfATLSConfigurationIsRefused(t *testing.T) {
	for _, o := range []options{
		{},
		{dir: "x", tlsCert: "c"},
		{dir: "x", tlsKey: "k"},
		{dir: "x", tlsRoot: "a"},
	} {
		if _, err := configure(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
