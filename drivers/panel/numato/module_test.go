package numato_test

import (
	"fmt"
	"strconv"
	"strings"
)

func number(line string) int {
	n, err := strconv.Atoi(line)
	if err != nil {
		panic(err)
	}
	return n
}

// say is what the module answers to what is typed.
func (b *module) say(in []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []byte
	for _, c := range in {
		if c != '\r' {
			b.typed = append(b.typed, c)
			out = append(out, c)
			continue
		}
		out = append(out, b.notifications()...) // between echo and answer
		out = append(out, b.endOfLine...)
		if answer := b.obey(string(b.typed)); answer != "" {
			out = append(out, answer+b.endOfLine...)
		}
		out = append(out, '>')
		b.typed = nil
	}
	return out
}

func (b *module) levels() uint64      { return (b.wires&b.inputs | b.out&^b.inputs) & b.all }
func (b *module) hex(v uint64) string { return fmt.Sprintf("%0*X", b.channels/4, v) }

// notifications are what is to be said of changes since the last one; b.mu is
// held.
func (b *module) notifications() []byte {
	is := b.levels()
	if !b.notify || b.silent || is == b.told {
		return nil
	}
	was := b.told
	b.told = is
	return []byte(b.endOfLine + "# " + strings.Join([]string{b.hex(is), b.hex(was), b.hex(b.inputs)}, " "))
}

func (b *module) obey(command string) string {
	switch command {
	case "gpio notify on":
		b.told = b.levels()
		if b.notify {
			return "gpio notify enabled"
		}
	case "ver":
		return "A0M10.01"
	case "id get":
		return "00004711"
	case "gpio readall":
		return b.hex(b.levels())
	}
	word, value, _ := strings.Cut(strings.TrimPrefix(command, "gpio "), " ")
	v, err := strconv.ParseUint(value, 16, 64)
	if err != nil || len(value) != b.channels/4 {
		return ""
	}
	switch word {
	case "iomask":
		b.mask = v
	case "iodir":
		b.inputs = b.inputs&^b.mask | v&b.mask
	case "writeall":
		b.out = b.out&^b.mask | v&b.mask
	}
	return ""
}
