package ccnet

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The worked frames of section 3; most of them are also in public captures.
func TestWorkedFrames(t *testing.T) {
	all := Mask(0xFFFFFF)
	frames := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"ACK", []byte{ACK}, "02 03 06 00 C2 82"},
		{"NAK", []byte{NAK}, "02 03 06 FF BA 8D"},
		{"RESET", []byte{cmdReset}, "02 03 06 30 41 B3"},
		{"GET STATUS", []byte{cmdGetStatus}, "02 03 06 31 C8 A2"},
		{"SET SECURITY none", Mask(0).append([]byte{cmdSetSecurity}, maskBytes), "02 03 09 32 00 00 00 26 1F"},
		{"SET SECURITY all", all.append([]byte{cmdSetSecurity}, maskBytes), "02 03 09 32 FF FF FF 6D 29"},
		{"POLL", []byte{cmdPoll}, "02 03 06 33 DA 81"},
		{"ENABLE all", enablePayload(all, maskBytes), "02 03 0C 34 FF FF FF FF FF FF FE F7"},
		{"ENABLE 2 to 7", enablePayload(MaskOf(2, 3, 4, 5, 6, 7), maskBytes), "02 03 0C 34 00 00 FC 00 00 FC EB D1"},
		{"ENABLE all, no escrow", Mask(0).append(all.append([]byte{cmdEnableBillTypes}, maskBytes), maskBytes), "02 03 0C 34 FF FF FF 00 00 00 B5 C1"},
		{"DISABLE", enablePayload(0, maskBytes), "02 03 0C 34 00 00 00 00 00 00 17 0C"},
		{"STACK", []byte{cmdStack}, "02 03 06 35 EC E4"},
		{"RETURN", []byte{cmdReturn}, "02 03 06 36 77 D6"},
		{"IDENTIFICATION", []byte{cmdIdentification}, "02 03 06 37 FE C7"},
		{"HOLD", []byte{cmdHold}, "02 03 06 38 09 3F"},
		{"SET BARCODE", []byte{cmdSetBarcode, barcodeInterleaved2of5, 18}, "02 03 08 39 01 12 B9 C0"},
		{"EXTRACT BARCODE", []byte{cmdExtractBarcode}, "02 03 06 3A 1B 1C"},
		{"GET BILL TABLE", []byte{cmdGetBillTable}, "02 03 06 41 4F D1"},
		{"GET CRC32", []byte{cmdGetCRC32}, "02 03 06 51 CE C1"},
		{"GET COUNTER", []byte{cmdGetStackedCounter}, "02 03 06 5B 94 6E"},
		{"GET DATE OF RELEASE", []byte{cmdGetDateOfRelease}, "02 03 06 5C 2B 1A"},
		{"GET OPTIONS", []byte{cmdGetOptions}, "02 03 06 69 05 7C"},

		{"power up", []byte{statePowerUp}, "02 03 06 10 43 92"},
		{"power up, validator", []byte{statePowerUpValidator}, "02 03 06 11 CA 83"},
		{"power up, stacker", []byte{statePowerUpStacker}, "02 03 06 12 51 B1"},
		{"initialize", []byte{stateInitialize}, "02 03 06 13 D8 A0"},
		{"idling", []byte{stateIdling}, "02 03 06 14 67 D4"},
		{"accepting", []byte{stateAccepting}, "02 03 06 15 EE C5"},
		{"stacking", []byte{stateStacking}, "02 03 06 17 FC E6"},
		{"returning", []byte{stateReturning}, "02 03 06 18 0B 1E"},
		{"disabled", []byte{stateDisabled}, "02 03 06 19 82 0F"},
		{"holding", []byte{stateHolding}, "02 03 06 1A 19 3D"},
		{"busy 500 ms", []byte{stateBusy, 5}, "02 03 07 1B 05 D4 99"},
		{"rejecting", []byte{stateRejecting, 0x68}, "02 03 07 1C 68 3F 6C"},
		{"cassette full", []byte{stateCassetteFull}, "02 03 06 41 4F D1"},
		{"cassette out", []byte{stateCassetteRemoved}, "02 03 06 42 D4 E3"},
		{"jam in validator", []byte{stateJamValidator}, "02 03 06 43 5D F2"},
		{"jam in cassette", []byte{stateJamCassette}, "02 03 06 44 E2 86"},
		{"cheated", []byte{stateCheated}, "02 03 06 45 6B 97"},
		{"pause", []byte{statePause}, "02 03 06 46 F0 A5"},
		{"stack motor", []byte{stateFailure, 0x50}, "02 03 07 47 50 AB E6"},
		{"escrow 1", []byte{stateEscrow, 1}, "02 03 07 80 01 05 22"},
		{"escrow 4", []byte{stateEscrow, 4}, "02 03 07 80 04 A8 75"},
		{"stacked 1", []byte{stateStacked, 1}, "02 03 07 81 01 DD 3B"},
		{"stacked 4", []byte{stateStacked, 4}, "02 03 07 81 04 70 6C"},
		{"returned 4", []byte{stateReturned, 4}, "02 03 07 82 04 18 46"},
		{"illegal", []byte{IllegalCommand}, "02 03 06 30 41 B3"},
		{"status", []byte{0, 0, 0xFC, 0, 0, 0}, "02 03 0B 00 00 FC 00 00 00 B7 87"},
		{"identity", append([]byte("FLS-EU10-69363907KI41AS7482"), 0x75, 0xED, 0x8D, 0xC8, 0x03, 0x3F, 0x7B),
			"02 03 27 46 4C 53 2D 45 55 31 30 2D 36 39 33 36 33 39 30 37 4B 49 34 31 41 53 37 34 38 32 75 ED 8D C8 03 3F 7B 35 DA"},
		{"counter 263", []byte{1, 7}, "02 03 07 01 07 27 D2"},
	}
	for _, f := range frames {
		want := unhex(t, f.want)
		got, err := Frame{AddressValidator, f.payload}.AppendBinary(nil)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: % X, want % X (%v)", f.name, got, want, err)
		}
		d := Decoder{Address: AddressValidator}
		d.Feed(want)
		if g, raw, ok := d.Next(); !ok || !bytes.Equal(g.Payload, f.payload) || !bytes.Equal(raw, want) {
			t.Errorf("%s: decoded % X", f.name, g.Payload)
		}
	}
	if got := command(AddressRecycler, cmdPoll); !bytes.Equal(got, unhex(t, "02 01 06 33 62 34")) {
		t.Errorf("POLL to the recycler: % X", got)
	}
	if c := CRC([]byte("123456789")); c != 0x2189 {
		t.Errorf("CRC of the digits is %04X", c)
	}
}

func TestDecoder(t *testing.T) {
	idle, escrow := unhex(t, "02 03 06 14 67 D4"), unhex(t, "02 03 07 80 04 A8 75")
	inside, _ := Frame{AddressValidator, []byte{SYNC, 3, 6, SYNC}}.AppendBinary(nil)
	spoiled := bytes.Clone(idle)
	spoiled[4] ^= 1
	other, _ := Frame{AddressRecycler, []byte{stateIdling}}.AppendBinary(nil)
	long, err := Frame{AddressValidator, bytes.Repeat([]byte{7}, 246)}.AppendBinary(nil)
	if err != nil || long[2] != 0 || len(long) != 253 || long[3] != 0 || long[4] != 253 {
		t.Fatalf("long form % X, %v", long[:6], err)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name string
		in   []byte
		want [][]byte
		bad  int
	}{
		{"two in one read", join(idle, escrow), [][]byte{{0x14}, {0x80, 4}}, 0},
		{"garbage before", join([]byte{0, 0xFF, 0x55}, idle), [][]byte{{0x14}}, 0},
		{"a lone SYNC before", join([]byte{SYNC}, idle), [][]byte{{0x14}}, 0},
		{"a false head before", join([]byte{SYNC, 3, 6}, idle), [][]byte{{0x14}}, 1},
		{"SYNC inside data", inside, [][]byte{{SYNC, 3, 6, SYNC}}, 0},
		{"wrong CRC", join(spoiled, idle), [][]byte{{0x14}}, 1},
		{"another address", join(other, idle), [][]byte{{0x14}}, 0},
		{"LNG too short", join([]byte{SYNC, 3, 5, 0, 0}, idle), [][]byte{{0x14}}, 0},
		{"LNG too long", join([]byte{SYNC, 3, 251}, idle), [][]byte{{0x14}}, 0},
		{"long form", long, [][]byte{bytes.Repeat([]byte{7}, 246)}, 0},
		{"long form too long", join([]byte{SYNC, 3, 0, 0xFF, 0xFF}, idle), [][]byte{{0x14}}, 0},
		{"long form too short", join([]byte{SYNC, 3, 0, 0, 7}, idle), [][]byte{{0x14}}, 0},
		{"unfinished", idle[:5], nil, 0},
	}
	for _, tt := range tests {
		for _, step := range []int{1, 2, 3, len(tt.in)} {
			d := Decoder{Address: AddressValidator}
			var got [][]byte
			for in := range chunks(tt.in, step) {
				d.Feed(in)
				for {
					f, _, ok := d.Next()
					if !ok {
						break
					}
					got = append(got, f.Payload)
				}
			}
			if !equalAll(got, tt.want) || d.Bad() != tt.bad {
				t.Errorf("%s in pieces of %d: % X, %d bad", tt.name, step, got, d.Bad())
			}
		}
	}
}

func chunks(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

func equalAll(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// A frame whose rest was lost hides the next one until the line has been quiet.
func TestDecoderGap(t *testing.T) {
	d := Decoder{Address: AddressValidator}
	d.Feed(unhex(t, "02 03 27 46 4C"))
	d.Feed(unhex(t, "02 03 06 14 67 D4"))
	if _, _, ok := d.Next(); ok {
		t.Fatal("half a frame was taken for one")
	}
	d.Gap()
	if f, _, ok := d.Next(); !ok || f.Payload[0] != stateIdling {
		t.Fatalf("after the gap: % X, %t", f.Payload, ok)
	}
}

func TestFrameBounds(t *testing.T) {
	for _, n := range []int{0, MaxLongFrame - longOverhead + 1} {
		if _, err := (Frame{AddressValidator, make([]byte, n)}).AppendBinary(nil); err == nil {
			t.Errorf("a payload of %d bytes was accepted", n)
		}
	}
}

// Whatever lies between frames, every frame that is not damaged is found, in
// order, if no garbage looks like the beginning of a frame.
func TestDecoderFindsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want [][]byte
		for range rapid.IntRange(1, 6).Draw(t, "frames") {
			noise := rapid.SliceOfN(rapid.ByteMax(0x01), 0, 8).Draw(t, "noise")
			p := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "payload")
			f, err := Frame{AddressValidator, p}.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			stream = append(append(stream, noise...), f...)
			want = append(want, p)
		}
		d := Decoder{Address: AddressValidator}
		var got [][]byte
		for in := range chunks(stream, rapid.IntRange(1, 64).Draw(t, "piece")) {
			d.Feed(in)
			for {
				f, _, ok := d.Next()
				if !ok {
					break
				}
				got = append(got, f.Payload)
			}
		}
		if !equalAll(got, want) {
			t.Fatalf("got % X, want % X", got, want)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0x02, 0x03, 0x06, 0x14, 0x67, 0xD4}, uint8(1))
	f.Add([]byte{0x02, 0x03, 0x00, 0x00, 0xFD, 0x07}, uint8(2))
	f.Add(bytes.Repeat([]byte{SYNC, 3, 250}, 500), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		d := Decoder{Address: AddressValidator}
		for in := range chunks(in, int(piece)+1) {
			d.Feed(in)
			for {
				g, raw, ok := d.Next()
				if !ok {
					break
				}
				if CRC(raw) != 0 || raw[1] != AddressValidator || len(g.Payload) == 0 || len(raw) > MaxLongFrame {
					t.Fatalf("believed % X", raw)
				}
			}
			if len(d.buf) > 2*MaxLongFrame {
				t.Fatalf("holds %d bytes", len(d.buf))
			}
			d.Gap()
		}
	})
}
