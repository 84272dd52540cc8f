package vpcd

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// message is what the reader sends.
func message(body ...byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// The card's side takes messages by their length, however they are cut into
// pieces, and answers only what has an answer.
func TestServe(t *testing.T) {
	select4 := []byte{0, 0xA4, 0, 0x0C}
	all := bytes.Join([][]byte{
		message(powerOn), message(getATR), message(), message(select4...), message(reset), message(getATR), message(0x77), message(powerOff), message(select4...),
	}, nil)
	atr := anATR("unit")
	ok := message(append(append([]byte(nil), select4...), 0x90, 0x00)...)
	want := bytes.Join([][]byte{message(atr...), ok, message(atr...), ok}, nil)
	for _, piece := range []int{1, 2, 3, 7, len(all)} {
		near, far := net.Pipe()
		card := &echo{atr: atr}
		served := make(chan error, 1)
		go func() { served <- Serve(near, card) }()
		go func() {
			for rest := all; len(rest) > 0; {
				n := min(piece, len(rest))
				if _, err := far.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("in pieces of %d: % X, %v; want % X", piece, got, err, want)
		}
		_ = far.Close()
		if err := <-served; err != nil || card.resets != 3 {
			t.Errorf("in pieces of %d: %v, %d resets", piece, err, card.resets)
		}
	}
}

// Silence is no message of length zero, which the driver would wait on for ever.
func TestServeSilence(t *testing.T) {
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(near, &echo{silent: true}) }()
	if _, err := far.Write(append(message(0, 0xA4, 0, 0), message(getATR)...)); err != nil {
		t.Fatal(err)
	}
	_ = near.Close()
	if n, err := far.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes", n)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
