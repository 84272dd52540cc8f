package admin

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
)

func TestHealth(t *testing.T) {
	j := openJournal(t)
	want := health.Report{At: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), InVisit: true, OutOfService: []string{},
		Devices: []health.Device{{ID: health.Printer, State: health.Offline, Cause: "no answer"}}}
	for _, c := range []struct {
		name   string
		health func(context.Context) (health.Report, error)
		status int // of the refusal; 0: none
	}{
		{"a report", func(context.Context) (health.Report, error) { return want, nil }, 0},
		{"rooms that do not answer", func(ctx context.Context) (health.Report, error) { return health.Report{}, errors.New("no answer") }, http.StatusServiceUnavailable},
		{"nobody to ask", nil, http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := serve(t, Handler(Options{Journal: j, Health: c.health}))
			got, err := client.Health(ctx)
			var refused *RemoteError
			switch {
			case c.status == 0 && (err != nil || len(got.Devices) != 1 || got.Devices[0] != want.Devices[0] || !got.InVisit):
				t.Errorf("%+v, %v", got, err)
			case c.status != 0 && (!errors.As(err, &refused) || refused.Status != c.status):
				t.Errorf("%v", err)
			}
		})
	}
}
