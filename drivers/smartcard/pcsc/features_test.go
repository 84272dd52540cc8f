package pcsc

import (
	"testing"

	"github.com/ebfe/scard"
)

func TestLongestCommand(t *testing.T) {
	const ask, read = 0x42000000 + 3400, 0x42330012
	features := []byte{0x06, 4, 0x42, 0x33, 0x00, 0x06, 0x12, 4, 0x42, 0x33, 0x00, 0x12}
	for _, c := range []struct {
		name                 string
		features, properties []byte
		want                 int
	}{
		{"control is not supported", nil, nil, 255},
		{"no such feature", features[:6], nil, 255},
		{"the feature cannot be read", features, nil, 255},
		{"65,536", features, []byte{0x03, 1, 0, 0x0A, 4, 0x00, 0x00, 0x01, 0x00}, 65535},
		{"2,048", features, []byte{0x0A, 4, 0x00, 0x08, 0x00, 0x00}, 2048},
		{"zero means short", features, []byte{0x0A, 4, 0, 0, 0, 0}, 255},
		{"absent means short", features, []byte{0x03, 1, 0}, 255},
		{"four thousand million", features, []byte{0x0A, 4, 0xFF, 0xFF, 0xFF, 0xFF}, 65535},
		{"two bytes", features, []byte{0x0A, 2, 0x00, 0x08}, 255},
		{"broken off", features, []byte{0x0A, 4, 0x00, 0x08}, 255},
		{"a feature with a short code", []byte{0x12, 2, 0x42, 0x33}, nil, 255},
	} {
		h := newFakeCard()
		h.control = func(code uint32) ([]byte, error) {
			if code == ask && c.features != nil {
				return c.features, nil
			}
			if code == read && c.properties != nil {
				return c.properties, nil
			}
			return nil, scard.ErrNotTransacted
		}
		if got := longestCommand(h); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func FuzzFeatures(f *testing.F) {
	f.Add([]byte{0x0A, 4, 0x00, 0x08, 0x00, 0x00}, byte(0x0A))
	f.Fuzz(func(t *testing.T, list []byte, tag byte) {
		if v := tlv(list, tag); len(v) > len(list) {
			t.Errorf("%d bytes of %d", len(v), len(list))
		}
		if n := maxData(list); n < 255 || n > 65535 {
			t.Errorf("%d", n)
		}
	})
}
