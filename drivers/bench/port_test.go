package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// port is a host's end of a line, with a frame writer of its own.
type port struct {
	t *testing.T
	f *os.File
}

func openPort(t *testing.T, path string) *port {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &port{t, f}
}

// frame is written for this test from the manual, bit by bit.
func frame(payload ...byte) []byte {
	f := append([]byte{0x02, 0x03, byte(len(payload) + 5)}, payload...)
	crc := 0
	for _, c := range f {
		for i := range 8 {
			feedback := (crc & 1) ^ int(c>>i&1)
			crc >>= 1
			if feedback == 1 {
				crc ^= 0x8408
			}
		}
	}
	return append(f, byte(crc), byte(crc>>8))
}

// read returns n bytes.
func (p *port) read(n int) []byte {
	p.t.Helper()
	if err := p.f.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, n)
	if got, err := io.ReadFull(p.f, b); err != nil {
		p.t.Fatalf("read %d of %d bytes (% X): %v", got, n, b[:got], err)
	}
	return b
}

func (p *port) write(b []byte) {
	p.t.Helper()
	if err := p.f.SetWriteDeadline(time.Now().Add(20 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.f.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// ask sends a frame and returns the answer's payload.
func (p *port) ask(payload ...byte) []byte {
	p.t.Helper()
	p.write(frame(payload...))
	head := p.read(3)
	all := append(head, p.read(int(head[2])-3)...)
	answer := all[3 : len(all)-2]
	if !bytes.Equal(frame(answer...), all) {
		p.t.Fatalf("bad frame % X", all)
	}
	return answer
}

// until polls and acknowledges until the state is want.
func (p *port) until(want ...byte) {
	p.t.Helper()
	var z []byte
	eventually(p.t, fmt.Sprintf("state % X", want), func() bool {
		z = p.ask(0x33)
		p.write(frame(0x00))
		time.Sleep(10 * time.Millisecond)
		return bytes.Equal(z, want)
	})
}
