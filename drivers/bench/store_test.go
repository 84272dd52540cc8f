package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoDeviceWaitsForADisk: a disk that takes seconds to write something down is not
// to be seen at a device's line; all of it is written down in the end.
func TestNoDeviceWaitsForADisk(t *testing.T) {
	dir := t.TempDir()
	r := startRig(t, dir)
	if err := r.b.store.settled(); err != nil {
		t.Fatal(err)
	}
	// Whoever opens a pipe that nobody reads waits.
	fresh := filepath.Join(dir, "bench.json.new")
	if err := unix.Mkfifo(fresh, 0o600); err != nil {
		t.Fatal(err)
	}
	var reader *os.File
	goOn := sync.OnceFunc(func() {
		var err error
		if reader, err = os.OpenFile(fresh, os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { // before the bench ends, which waits for the disk
		goOn()
		_ = reader.Close()
	})
	p := openPort(t, deviceLink(dir, "printer"))
	p.write([]byte("slip\n\x1dVA\x00"))
	eventually(t, "a slip", func() bool { return len(r.state().Strips) == 1 })
	for range 20 {
		p.write([]byte{0x10, 0x04, 0x01})
		p.read(1)
	}
	var raw []byte
	if code := r.call("GET", "/api/strips/1.bin", nil, &raw); code != 200 || !bytes.Contains(raw, []byte("slip")) {
		t.Errorf("the slip's bytes: %d, %q", code, raw)
	}
	r.b.store.mu.Lock()
	waits := r.b.store.written < r.b.store.version
	r.b.store.mu.Unlock()
	if !waits {
		t.Error("nothing waited for the disk: this shows nothing")
	}
	goOn()
	r.post("/api/printer", map[string]any{"action": "power_off"})
	if err := r.b.store.settled(); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(r.b.store.path())
	var k kept
	if err != nil || json.Unmarshal(b, &k) != nil || len(k.Strips) != 1 {
		t.Errorf("kept: %s, %v", b, err)
	}
	if on, err := os.ReadFile(r.b.store.stripPath(1, ".bin")); err != nil || !bytes.Equal(on, raw) {
		t.Errorf("the slip's file: %q, %v", on, err)
	}
}
