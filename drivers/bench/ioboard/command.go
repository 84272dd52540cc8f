package ioboard

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	maxQueue   = 4096
	maxCommand = 64 // characters; more are echoed and lost
	prompt     = ">"
)

// work takes in what was typed, up to the command whose answer is due.
func (b *Board) work() {
	for {
		if b.answer != nil {
			if b.now.Before(b.due) {
				return
			}
			b.reply()
		}
		if len(b.queue) == 0 {
			return
		}
		c := b.queue[0]
		b.queue = b.queue[1:]
		switch {
		case c == '\r':
			b.send(b.cfg.EndOfLine)
			b.obey(string(b.command))
			b.command = nil
		case c == '\n': // of a host that ends lines with both
		default:
			b.send(string(rune(c & 0x7F)))
			if len(b.command) < maxCommand {
				b.command = append(b.command, c&0x7F)
			}
		}
	}
}

// obey carries a command out and makes its answer due.
func (b *Board) obey(command string) {
	b.out.Events = append(b.out.Events, Event{Kind: EventIn, Text: command, Bytes: []byte(command)})
	answer, known := b.carryOut(strings.Fields(command))
	if !known {
		b.event(EventUnknown, "%q", command)
	}
	b.commands++
	b.answer, b.due = &answer, b.now.Add(b.cfg.Response)
}

// reply puts the due answer on the line.
func (b *Board) reply() {
	answer := *b.answer
	b.answer = nil
	if b.troubles.dropAnswer > 0 {
		b.troubles.dropAnswer--
		return
	}
	if g := &b.troubles.garbage; g.Count > 0 {
		g.Count--
		for range g.Length {
			b.out.Send = append(b.out.Send, byte(b.rng.Uint32()))
		}
	}
	if answer != "" {
		answer += b.cfg.EndOfLine
	}
	answer += prompt
	b.send(answer)
	b.out.Events = append(b.out.Events, Event{Kind: EventOut, Text: answer, Bytes: []byte(answer)})
}

func (b *Board) hex(v uint64) string { return fmt.Sprintf("%0*X", b.cfg.Channels/4, v) }

// carryOut is the command set.
func (b *Board) carryOut(words []string) (answer string, known bool) {
	word := func(n int) string {
		if n < len(words) {
			return words[n]
		}
		return ""
	}
	switch {
	case len(words) == 0:
		return "", true
	case len(words) == 1 && words[0] == "ver":
		return b.cfg.Firmware, true
	case len(words) == 2 && words[0] == "id" && words[1] == "get":
		return b.w.ID, true
	case len(words) == 3 && words[0] == "id" && words[1] == "set" && len(words[2]) == 8:
		b.w.ID = words[2]
		return "", true
	case words[0] != "gpio":
		return "", false
	case len(words) == 2 && words[1] == "readall":
		return b.hex(b.levels()), true
	case len(words) == 3 && words[1] == "notify" && b.cfg.Channels > 8:
		return b.setNotify(word(2))
	case len(words) == 3 && len(words[2]) == b.cfg.Channels/4:
		v, err := strconv.ParseUint(words[2], 16, 64)
		if err != nil {
			return "", false
		}
		return "", b.setAll(words[1], v)
	}
	return "", false
}

func (b *Board) setNotify(word string) (answer string, known bool) {
	switch word {
	case "on":
		b.notify, b.told = true, b.levels()
	case "off":
		b.notify = false
	case "get":
	default:
		return "", false
	}
	if b.notify {
		return "gpio notify enabled", true
	}
	return "gpio notify disabled", true
}

// setAll is the group of commands that take a value for all channels.
func (b *Board) setAll(what string, v uint64) bool {
	switch what {
	case "iomask":
		b.mask = v
	case "iodir":
		b.inputs = b.inputs&^b.mask | v&b.mask
	case "writeall":
		b.latch = b.latch&^b.mask | v&b.mask
	default:
		return false
	}
	b.watchLamps()
	return true
}
