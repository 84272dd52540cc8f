package health

import (
	"encoding/json"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

func TestStarts(t *testing.T) {
	l := NewStarts()
	for _, b := range []record.Body{record.Started{}, record.Stopped{}, record.Started{}, record.PeriodOpened{}, record.Started{}, record.Stopped{}} {
		if err := l.Apply(journal.Record{Kind: b.Kind()}); err != nil {
			t.Fatal(err)
		}
	}
	saved, err := l.Save()
	if err != nil || !json.Valid(saved) {
		t.Fatal(err)
	}
	again := NewStarts()
	if err := again.Load(saved); err != nil {
		t.Fatal(err)
	}
	if all, unclean := again.Count(); all != 3 || unclean != 1 {
		t.Errorf("%d starts, %d unclean", all, unclean)
	}
}
