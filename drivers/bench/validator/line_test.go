package validator

import (
	"bytes"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

func TestLineFaults(t *testing.T) {
	poll := encode(addrValidator, []byte{cmdPoll})
	disabled := encode(addrValidator, []byte{z1Disabled})
	nak := encode(addrValidator, []byte{ansNAK})
	for _, c := range []struct {
		name  string
		fault Action
		want  [][]byte // what comes within 10 ms of each POLL, 200 ms apart
	}{
		{"answer dropped", FaultLine{Direction: ToHost, Do: "drop", Count: 2}, [][]byte{nil, nil, disabled}},
		{"command dropped", FaultLine{Direction: ToDevice, Do: "drop", Count: 1}, [][]byte{nil, disabled}},
		{"command corrupted", FaultLine{Direction: ToDevice, Do: "corrupt", Count: 1}, [][]byte{nak, disabled}},
		{"answer of another kind dropped", FaultLine{Direction: ToHost, Do: "drop", Count: 1, Match: z1Escrow}, [][]byte{disabled}},
		{"answer in pieces", Split{Count: 1, Size: 4, Gap: 20}, [][]byte{disabled[:4], disabled}},
		{"answers together", Coalesce{Count: 1}, [][]byte{nil, append(bytes.Clone(disabled), disabled...), disabled}},
		{"garbage before", Garbage{Count: 1, Bytes: []byte{sync, 0x55}}, [][]byte{append([]byte{sync, 0x55}, disabled...), disabled}},
		{"echo", Echo{On: true}, [][]byte{append(bytes.Clone(poll), disabled...)}},
		{"refused", Refuse{Command: cmdPoll, With: "silence", Count: 1}, [][]byte{nil, disabled}},
		{"not received", Refuse{Command: cmdPoll, With: "nak", Count: 1}, [][]byte{nak, disabled}},
		{"unknown state", ShowState{Z1: 0x5E, Data: []byte{1, 2}, Count: 1}, [][]byte{encode(addrValidator, []byte{0x5E, 1, 2}), disabled}},
		{"busy", Busy{For: 300}, [][]byte{encode(addrValidator, []byte{z1Busy, 3}), encode(addrValidator, []byte{z1Busy, 1}), disabled}},
		{"busy without time", Busy{For: 100, NoTime: true}, [][]byte{encode(addrValidator, []byte{z1Busy}), disabled}},
		{"unplugged", Unplug{}, [][]byte{nil, nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t).start()
			r.do(c.fault)
			for i, want := range c.want {
				if got := r.say(cmdPoll); !bytes.Equal(got, want) {
					t.Errorf("POLL %d: % X, want % X", i, got, want)
				}
				r.pass(190 * time.Millisecond)
			}
		})
	}
}

func TestDelays(t *testing.T) {
	for _, d := range []Direction{ToHost, ToDevice} {
		r := newRig(t).start()
		r.do(FaultLine{Direction: d, Do: "delay", Count: 1, For: 250})
		if got := r.say(cmdPoll); len(got) != 0 {
			t.Errorf("%s: answer came at once: % X", d, got)
		}
		if got := r.pass(250 * time.Millisecond); hexed(got) != "02030619820F" {
			t.Errorf("%s: after the delay: % X", d, got)
		}
	}
}

func TestCorruptedAnswerDiffersInOneBit(t *testing.T) {
	r := newRig(t).start()
	want := r.say(cmdPoll)
	r.do(FaultLine{Direction: ToHost, Do: "corrupt", Count: 1})
	got := r.say(cmdPoll)
	differ := 0
	for i := range want {
		for b := got[i] ^ want[i]; b != 0; b &= b - 1 {
			differ++
		}
	}
	if differ != 1 {
		t.Errorf("% X and % X differ in %d bits", got, want, differ)
	}
}

func TestLostAcknowledgement(t *testing.T) {
	for _, a := range []Action{LoseACK{Count: 1}, RepeatStacked{Count: 1}} {
		r := newRig(t).idle()
		r.escrowed(5)
		r.want(ansACK, cmdStack)
		r.pass(2 * time.Second)
		r.do(a)
		for i, want := range []string{"8102", "8102", "14"} {
			if z := r.poll(); hexed(z) != want {
				t.Errorf("%T, poll %d: %X, want %s", a, i, z, want)
			}
		}
	}
}

func TestIllegalToStack(t *testing.T) {
	r := newRig(t).idle()
	r.escrowed(5)
	r.do(IllegalToStack{Count: 1})
	r.want(ansIllegal, cmdStack)
	if z := r.poll(); hexed(z) != "8002" {
		t.Fatalf("state %X", z)
	}
	r.want(ansACK, cmdStack)
}

func TestReceiver(t *testing.T) {
	poll := encode(addrValidator, []byte{cmdPoll})
	other := encode(0x01, []byte{cmdPoll})
	for _, c := range []struct {
		name string
		send []byte
		want string
	}{
		{"garbage before", append([]byte{0, sync, 0xFF, sync, sync, addrValidator, 0}, poll...), "02030619820F"},
		{"another address", other, ""},
		{"another address, then ours", append(other, poll...), "02030619820F"},
		{"wrong check sum", append(bytes.Clone(poll[:5]), 0), "020306FFBA8D"},
		{"wrong check sum, then good", append(append(bytes.Clone(poll[:5]), 0), poll...), "020306FFBA8D" + "02030619820F"},
		{"half a frame", poll[:4], ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t).start()
			out := append([]byte(nil), r.take(r.v.Receive(r.now, c.send))...)
			if got := append(out, r.pass(10*time.Millisecond)...); hexedOrEmpty(got) != c.want {
				t.Errorf("answered % X, want %s", got, c.want)
			}
			r.pass(100 * time.Millisecond) // a half frame is forgotten
			if z := r.poll(); hexed(z) != "19" {
				t.Errorf("afterwards: %X", z)
			}
		})
	}
}

func hexedOrEmpty(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return hexed(b)
}

func TestResendOnNAK(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Quirks.ResendOnNAK = true }).start()
	want := r.say(cmdPoll)
	if got := r.say(cmdNAK); !bytes.Equal(got, want) {
		t.Errorf("after NAK % X, want % X", got, want)
	}
}

func TestImpossibleActionsChangeNothing(t *testing.T) {
	for _, a := range []Action{
		Take{}, PowerOn{}, Plug{}, ClearJam{}, Repair{}, InsertCassette{}, RemoveCassette{},
		Insert{}, Insert{Value: money.Manat(1), Quality: "odd"}, Reinsert{Serial: "N1"},
		FaultLine{Direction: "up", Do: "drop", Count: 1}, FaultLine{Direction: ToHost, Do: "drop"},
		LoseACK{}, Garbage{Count: 1}, Split{Count: 1}, Refuse{Command: 1, With: "x", Count: 1}, Cheat{Then: "x"},
		ShowState{}, Swap{Table: make([]Entry, 30)}, SetQuirks{Quirks{AfterReturn: "x"}},
	} {
		r := newRig(t).start()
		before := r.v.State()
		if _, err := r.v.Do(r.now, a); err == nil {
			t.Errorf("%T %+v was possible", a, a)
		}
		if after := r.v.State(); after.World.Inserted != before.World.Inserted || after.Mode != before.Mode || len(after.Troubles) != 0 {
			t.Errorf("%T changed the unit to %+v", a, after)
		}
	}
}

func TestParseAction(t *testing.T) {
	a, err := Actions.Parse("insert", []byte(`{"value":{"minor":500,"currency":"AZN"},"quality":"jam_head"}`))
	if err != nil || a != (Insert{Value: money.Manat(5), Quality: QualityJamHead}) {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := Actions.Parse("insert", []byte(`{"valeu":1}`)); err == nil {
		t.Error("an unknown field was taken")
	}
	if _, err := Actions.Parse("explode", []byte(`{}`)); err == nil {
		t.Error("an unknown action was taken")
	}
	for _, name := range Actions.Names() {
		if _, err := Actions.Parse(name, []byte(`{}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
