package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
)

func TestTrace(t *testing.T) {
	dir := t.TempDir()
	r, err := line.NewRecorder(line.RecorderOptions{Path: filepath.Join(dir, traceName), FileBytes: 200, Files: 3})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i, age := range []time.Duration{3 * time.Hour, 2 * time.Hour, time.Hour, time.Minute} {
		r.Sent(now.Add(-age), []byte{2, 3, 6, byte(i)})
		r.Received(now.Add(-age).Add(10*time.Millisecond), []byte{2, 3, 7, 0x80, byte(i)})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		code  int
		lines int
		last  string
	}{
		{[]string{"trace", "--dir", dir}, exitOK, 8, "< 02 03 07 80 03"},
		{[]string{"trace", "--dir", dir, "--last", "90m"}, exitOK, 4, "< 02 03 07 80 03"},
		{[]string{"trace", "--dir", filepath.Join(dir, "none")}, exitFailed, 0, ""},
	} {
		var out, errOut bytes.Buffer
		code := run(ctx, c.args, &out, &errOut, testRooms)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if code != c.code || code == exitOK && (len(lines) != c.lines || !strings.HasSuffix(lines[len(lines)-1], c.last)) {
			t.Errorf("%v: %d\n%s%s", c.args, code, out.String(), errOut.String())
		}
		if code == exitFailed && !strings.Contains(errOut.String(), "state.runtime_dir") {
			t.Errorf("no hint: %s", errOut.String())
		}
	}
}
