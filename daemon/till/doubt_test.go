package till_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// Every note in doubt is explained by what went over the line: by the traffic
// that is kept, or else by the driver's own trace.
func TestDoubtIsExplained(t *testing.T) {
	own, kept := []string{"> 02"}, []string{"2026-01-31T09:00:00.000000Z > 02", "2026-01-31T09:00:00.010000Z < 03"}
	cases := []struct {
		name  string
		trace []string
		then  func(w *world)
		want  []string
	}{
		{"unresolved", nil, func(w *world) { w.event(cash.Unresolved{After: "stack", Trace: own}) }, own},
		{"unresolved, traffic kept", kept, func(w *world) { w.event(cash.Unresolved{After: "stack", Trace: own}) }, kept},
		{"fault, traffic kept", kept, func(w *world) { w.event(cash.Fault{Kind: cash.FaultJamCassette, Trace: own}) }, kept},
		{"nothing was said", kept, func(w *world) { w.settle(-1) }, kept},
		{"the unit was exchanged", kept, func(w *world) {
			w.event(cash.Settled{Identity: cash.Identity{Serial: "S2"}, Table: table})
		}, kept},
		{"another type was stacked", kept, func(w *world) { w.stacked(2) }, kept},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := inState(t, till.NoteStackIntent, -1)
			w.trace = c.trace
			w.event(cash.Online{Found: cash.StateDisabled})
			c.then(w)
			var got []string
			for _, r := range w.mem.Records {
				if r.Kind == (record.NoteInDoubt{}).Kind() {
					var b record.NoteInDoubt
					if err := json.Unmarshal(r.Body, &b); err != nil {
						t.Fatal(err)
					}
					got = b.Trace
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("explained by %q, want %q", got, c.want)
			}
		})
	}
}
