package ccnet

import (
	"slices"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/cashtest"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// on is a rig with a unit that the knobs have set up.
func on(t *testing.T, knobs ...func(*peer)) (*cashtest.Rig, *peer) {
	t.Helper()
	r := cashtest.NewRig(t, family(knobs...))
	return r, r.Peer.(*peer)
}

// serving is a rig whose unit takes notes and whose till stacks them.
func serving(t *testing.T, knobs ...func(*peer)) (*cashtest.Rig, *peer) {
	t.Helper()
	r, p := on(t, knobs...)
	r.Until("settled", 2*time.Minute, r.Settled)
	r.Do(cash.Enable{Types: []int{1, 2, 3, 4, 5, 6, 7}})
	r.AwaitState(cash.StateIdle, 5*time.Second)
	r.Policy.Decide = cashtest.StackAll
	return r, p
}

// Section 10.3: the driver (re)starts and finds a unit that kept its power. What
// the till makes of it depends on its records; what the driver does does not.
func TestFoundOnStart(t *testing.T) {
	enabled := func(p *peer) { p.enabled = MaskOf(1, 2, 3, 4) }
	tests := []struct {
		name  string
		knob  func(*peer)
		story string
		books []int
	}{
		{"14 idling", func(p *peer) { enabled(p); p.kept(stateIdling) }, "Online Settled", nil},
		{"19 disabled", func(p *peer) { p.kept(stateDisabled) }, "Online Settled", nil},
		{"15 accepting", func(p *peer) { enabled(p); p.kept(stateAccepting); p.inPath = 4; p.until = time.Unix(1, 0) },
			"Online Escrowed Returning Returned Settled", nil},
		{"80 escrow", func(p *peer) { enabled(p); p.kept(stateEscrow, 4) }, "Online Escrowed Returning Returned Settled", nil},
		{"1A holding", func(p *peer) { enabled(p); p.kept(stateHolding); p.inPath = 4 }, "Online Escrowed Returning Returned Settled", nil},
		{"17 stacking", func(p *peer) {
			enabled(p)
			p.kept(stateStacking)
			p.inPath = 4
			p.until = time.Date(2026, 1, 5, 9, 0, 2, 0, time.UTC)
		}, "Online Stacking Stacked Settled", []int{4}},
		{"18 returning", func(p *peer) {
			enabled(p)
			p.kept(stateReturning)
			p.inPath = 4
			p.until = time.Date(2026, 1, 5, 9, 0, 2, 0, time.UTC)
		}, "Online Returning Returned Settled", nil},
		{"81 stacked", func(p *peer) { enabled(p); p.kept(stateStacked, 4); p.cassette = []int{4} }, "Online Stacked Settled", []int{4}},
		{"82 returned", func(p *peer) { enabled(p); p.kept(stateReturned, 4) }, "Online Returned Settled", nil},
		{"44 jam, and an operator's Reset brings the note", func(p *peer) { enabled(p); p.Break(cash.FaultJamCassette); p.inPath = 4 },
			"Online Fault FaultCleared Stacked Settled", []int{4}},
		{"1B busy, then idling", func(p *peer) {
			enabled(p)
			p.kept(stateBusy, 5)
			p.until = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
		}, "Online Settled", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := on(t, tt.knob)
			r.Policy.Decide = cashtest.StackAll // which returns what was found
			if p.state == stateBusy {
				r.Run(400 * time.Millisecond)
				p.enter(stateIdling, 0)
			}
			if p.jamWas != 0 {
				r.Run(time.Second)
				if p.enabled != 0 {
					t.Error("the unit in fault was not disabled")
				}
				r.Do(cash.Reset{})
			}
			r.Until("settled", time.Minute, r.Settled)
			if got := r.Story(); got != tt.story {
				t.Errorf("said %q, want %q\n%s", got, tt.story, r.Log())
			}
			if !slices.Equal(r.Book.Stacked, tt.books) {
				t.Errorf("booked %v, want %v", r.Book.Stacked, tt.books)
			}
			if p.heard[0] != cmdEnableBillTypes || p.enabled != 0 {
				t.Errorf("the first command was %02X, not to disable", p.heard[0])
			}
			if p.resets != 0 && p.jamWas == 0 && tt.name[:2] != "44" {
				t.Errorf("a unit that kept its power was reset")
			}
		})
	}
}

// What was found is named with its note, valued by the remembered table until the
// unit's own is read.
func TestFoundNoteIsValued(t *testing.T) {
	p := newPeer()
	p.kept(stateStacked, 4)
	memory := cash.Memory{Table: cash.Table{Notes: []cash.Note{{Type: 4, Value: money.Manat(20)}}}}
	f := family()
	f.NewPeer = func() cashtest.Peer { return p }
	f.NewDriver = func(cash.Memory) cashtest.Driver { return New(Config{}, memory) }
	r := cashtest.NewRig(t, f)
	s := cashtest.Await[cash.Stacked](r, time.Second)
	o, _ := cashtest.Last[cash.Online](r)
	if s.Note.Value != money.Manat(20) || o.Found != cash.StateStacked || o.Note == nil || o.Note.Value != money.Manat(20) {
		t.Errorf("stacked %+v, online %+v", s.Note, o)
	}
	if len(s.Raw) == 0 {
		t.Error("the evidence has no frame")
	}
}

// Section 10.4, beyond what the conformance suite loses power over.
func TestPowerUp(t *testing.T) {
	stacking := func(t *testing.T, knobs ...func(*peer)) (*cashtest.Rig, *peer) {
		r, p := serving(t, knobs...)
		p.Freeze(cash.StateStacking)
		p.Insert(4)
		r.AwaitState(cash.StateStacking, 10*time.Second)
		r.Run(300 * time.Millisecond)
		return r, p
	}
	t.Run("12, and another type comes out of the stacker", func(t *testing.T) {
		r, p := stacking(t)
		p.PowerCut(cash.PowerUpInStacker)
		p.inPath = 5
		p.PowerOn()
		s := cashtest.Await[cash.Stacked](r, 20*time.Second)
		if s.Note.Type != 5 {
			t.Errorf("stacked %+v, want what the unit said", s.Note)
		}
		r.Until("settled", time.Minute, r.Settled)
	})
	t.Run("11, and the note comes out without 82", func(t *testing.T) {
		r, p := stacking(t, func(p *peer) { p.quiet82 = true })
		p.PowerCut(cash.PowerUpInPath)
		p.PowerOn()
		r.Until("settled", time.Minute, func() bool { return p.resets == 2 && r.Settled() })
		if n := cashtest.Count[cash.Returned](r) + cashtest.Count[cash.Stacked](r); n != 0 || len(p.given) != 1 {
			t.Errorf("outcomes were invented\n%s", r.Log())
		}
	})
	t.Run("10 with the counter as the only witness", func(t *testing.T) {
		r, p := stacking(t)
		before, _ := cashtest.Last[cash.Settled](r)
		p.PowerCut(cash.PowerUpEmpty)
		p.inPath = -1
		p.cassette = append(p.cassette, 4)
		p.counter++
		p.PowerOn()
		s := cashtest.Await[cash.Settled](r, time.Minute)
		if s.Counter == nil || *s.Counter != *before.Counter+1 {
			t.Errorf("counter %v after %d", s.Counter, *before.Counter)
		}
	})
	t.Run("exactly one RESET between 12 and 81, and 60 s for it", func(t *testing.T) {
		r, p := stacking(t, func(p *peer) { p.initTime = 55 * time.Second })
		p.PowerCut(cash.PowerUpInStacker)
		p.PowerOn()
		resets := p.resets
		cashtest.Await[cash.Stacked](r, 70*time.Second)
		if p.resets != resets+1 || cashtest.Count[cash.Fault](r) != 0 {
			t.Errorf("%d RESETs\n%s", p.resets-resets, r.Log())
		}
	})
	t.Run("12, reset, and never ready: an operator decides", func(t *testing.T) {
		r, p := stacking(t)
		p.PowerCut(cash.PowerUpInStacker)
		p.PowerOn()
		p.initTime = time.Hour
		f := cashtest.Await[cash.Fault](r, 70*time.Second)
		resets := p.resets
		r.Run(30 * time.Minute)
		if f.Kind != cash.FaultUnresponsive || p.resets != resets {
			t.Errorf("%+v, %d more RESETs", f, p.resets-resets)
		}
	})
	t.Run("12 whose RESET was lost is reset again after 60 s", func(t *testing.T) {
		r, p := stacking(t)
		p.PowerCut(cash.PowerUpInStacker)
		p.PowerOn()
		p.deaf[cmdReset] = 1
		cashtest.Await[cash.Stacked](r, 2*time.Minute)
		r.Until("settled", time.Minute, r.Settled)
	})
	t.Run("10 whose RESET was lost is reset again after 10 s", func(t *testing.T) {
		r, p := on(t, func(p *peer) { p.deaf[cmdReset] = 1 })
		r.Run(9 * time.Second)
		if n := countOf(p.heard, cmdReset); n != 1 {
			t.Errorf("%d RESETs in the first 9 s", n)
		}
		r.Until("settled", 10*time.Second, r.Settled)
		if n := cashtest.Count[cash.PowerUp](r); n != 1 {
			t.Errorf("one power-up was told %d times", n)
		}
	})
	t.Run("power lost again before the unit was ready", func(t *testing.T) {
		r, p := stacking(t)
		p.PowerCut(cash.PowerUpInPath)
		p.PowerOn()
		r.Until("reset", 10*time.Second, func() bool { return p.is(stateInitialize) })
		r.Run(500 * time.Millisecond)
		p.PowerCut(cash.PowerUpInStacker)
		p.PowerOn()
		ups := cashtest.Count[cash.PowerUp](r)
		cashtest.Await[cash.Stacked](r, time.Minute)
		if n := cashtest.Count[cash.PowerUp](r); n != ups+1 {
			t.Errorf("the second power-up was told %d times", n-ups)
		}
	})
	t.Run("acknowledged and idle since: 12 brings another note", func(t *testing.T) {
		r, p := serving(t)
		p.Insert(4)
		cashtest.Await[cash.PathClear](r, 20*time.Second)
		p.PowerCut(cash.PowerUpInStacker)
		p.inPath = 4
		p.PowerOn()
		cashtest.Await[cash.Stacked](r, 20*time.Second)
		r.Until("settled", time.Minute, r.Settled)
		if !slices.Equal(r.Book.Stacked, []int{4, 4}) {
			t.Errorf("booked %v", r.Book.Stacked)
		}
	})
}

func countOf(b []byte, x byte) int {
	n := 0
	for _, v := range b {
		if v == x {
			n++
		}
	}
	return n
}

func TestSettledWaitsForQuietPolls(t *testing.T) {
	r, p := on(t)
	r.AwaitState(cash.StateDisabled, 10*time.Second)
	polls := p.polls
	r.Until("settled", 10*time.Second, r.Settled)
	if n := p.polls - polls; n < quietPolls {
		t.Errorf("settled after %d polls of UNIT DISABLED", n)
	}
	for _, cmd := range []byte{cmdIdentification, cmdGetBillTable, cmdGetCRC32, cmdGetStackedCounter} {
		if countOf(p.heard, cmd) != 1 {
			t.Errorf("%s was sent %d times", commandNames[cmd], countOf(p.heard, cmd))
		}
	}
}

func TestSwappedUnit(t *testing.T) {
	r, p := serving(t)
	r.Unplug()
	copy(p.identity[15:], "99ZZ00000001")
	p.table = make([]byte, 120)
	copy(p.table[4*5:], []byte{1, 'A', 'Z', 'E', 0}) // type 4 is 1 manat here
	r.Run(time.Second)
	r.Plug()
	s := cashtest.Await[cash.Settled](r, 30*time.Second)
	n, _ := s.Table.Lookup(4)
	if s.Identity.Serial != "99ZZ00000001" || n.Value != money.Manat(1) || len(s.Table.Notes) != 1 {
		t.Errorf("%+v", s)
	}
}

// Optional commands that a unit does not have are asked for once per serial.
func TestUnsupportedIsRemembered(t *testing.T) {
	for _, how := range []string{"illegal", "silent"} {
		t.Run(how, func(t *testing.T) {
			knob := func(p *peer) { p.illegal[cmdGetCRC32], p.illegal[cmdGetStackedCounter] = 1000, 1000 }
			if how == "silent" {
				knob = func(p *peer) { p.deaf[cmdGetCRC32], p.deaf[cmdGetStackedCounter] = 1000, 1000 }
			}
			r, p := serving(t, knob)
			s, _ := cashtest.Last[cash.Settled](r)
			if s.Counter != nil || s.Identity.CRC != "" {
				t.Errorf("invented %+v", s)
			}
			p.Insert(4)
			cashtest.Await[cash.PathClear](r, 20*time.Second)
			asked := countOf(p.heard, cmdGetCRC32) + countOf(p.heard, cmdGetStackedCounter)
			r.Unplug()
			r.Plug()
			cashtest.Await[cash.Settled](r, 30*time.Second)
			if n := countOf(p.heard, cmdGetCRC32) + countOf(p.heard, cmdGetStackedCounter); n != asked {
				t.Errorf("asked %d times more", n-asked)
			}
		})
	}
}

func TestBillTable(t *testing.T) {
	t.Run("foreign notes cannot be enabled", func(t *testing.T) {
		r, p := on(t)
		r.Do(cash.Enable{Types: []int{0, 2, 4, 9, 10, 23}})
		r.Until("enabled", 30*time.Second, p.Enabled)
		if p.enabled != MaskOf(2, 4) {
			t.Errorf("enabled %v", p.enabled.Types())
		}
	})
	t.Run("only the denominations of the configuration", func(t *testing.T) {
		f := family()
		f.NewDriver = func(m cash.Memory) cashtest.Driver {
			return New(Config{Denominations: []money.Amount{money.Manat(5), money.Manat(10)}}, m)
		}
		r := cashtest.NewRig(t, f)
		r.Do(cash.Enable{Types: []int{1, 2, 3, 4}})
		r.Until("enabled", 30*time.Second, r.Peer.Enabled)
		if got := r.Peer.(*peer).enabled; got != MaskOf(2, 3) {
			t.Errorf("enabled %v", got.Types())
		}
	})
	t.Run("no note of the currency", func(t *testing.T) {
		r, p := on(t, func(p *peer) { p.table = []byte{5, 'E', 'U', 'R', 0, 1, 'E', 'U', 'R', 1} })
		f := cashtest.Await[cash.Fault](r, 30*time.Second)
		r.Until("settled all the same", time.Minute, r.Settled)
		r.Do(cash.Enable{Types: []int{0, 1}})
		r.Run(5 * time.Second)
		if f.Kind != cash.FaultTable || p.enabled != 0 {
			t.Errorf("%+v, enabled %v", f, p.enabled.Types())
		}
	})
	t.Run("unreadable, and readable later", func(t *testing.T) {
		r, p := on(t, func(p *peer) { p.deaf[cmdGetBillTable] = 5 })
		f := cashtest.Await[cash.Fault](r, 30*time.Second)
		if f.Kind != cash.FaultTable {
			t.Fatalf("%+v", f)
		}
		r.Do(cash.Enable{Types: []int{2}})
		cashtest.Await[cash.FaultCleared](r, 5*time.Minute)
		r.Until("enabled", 10*time.Second, p.Enabled)
	})
	t.Run("48 types take long masks", func(t *testing.T) {
		long := make([]byte, 48*5)
		copy(long[30*5:], []byte{1, 'A', 'Z', 'E', 1})
		m := New(Config{}, cash.Memory{})
		m.tabled(long)
		m.command(cash.Enable{Types: []int{30}})
		if m.want != MaskOf(30) || len(enablePayload(m.want, m.unit.maskSize)) != 13 {
			t.Errorf("mask %v of %d bytes", m.want.Types(), m.unit.maskSize)
		}
	})
}
