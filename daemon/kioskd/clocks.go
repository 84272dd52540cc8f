package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/uplink"
)

// certExpiry asks the uplink until when central knows this terminal; nil without an
// uplink.
func certExpiry(network http.RoundTripper) func(context.Context) (time.Time, error) {
	if network == nil {
		return nil
	}
	return func(ctx context.Context) (time.Time, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, central.UplinkBase+uplink.StatusPath, nil)
		if err != nil {
			return time.Time{}, err
		}
		resp, err := network.RoundTrip(req)
		if err != nil {
			return time.Time{}, err
		}
		defer resp.Body.Close()
		var st uplink.Status
		if err := json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&st); err != nil {
			return time.Time{}, err
		}
		if resp.StatusCode != http.StatusOK || st.NotAfter.IsZero() {
			return time.Time{}, fmt.Errorf("the uplink's status: %s", resp.Status)
		}
		return st.NotAfter, nil
	}
}

// clockOffset is central's clock less ours. A Date has cut its second off, so a
// clock that is right lies within the second after it.
func clockOffset(date, now time.Time) time.Duration {
	return date.Sub(now.Truncate(time.Second))
}
