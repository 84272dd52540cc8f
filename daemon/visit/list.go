package visit

import (
	"encoding/json"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// maxRows bounds a list of central's.
const maxRows = 50

// rows reads a list of records as central sends it; false if it is none. What is
// in it is a person's own data: it is kept in memory, until the sign-in ends.
func rows(raw json.RawMessage) ([]wire.ListRow, bool) {
	var in []struct {
		Title  string        `json:"title"`
		Detail string        `json:"detail"`
		At     time.Time     `json:"at"`
		Amount *money.Amount `json:"amount"`
		Code   string        `json:"code"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &in) != nil {
		return nil, false
	}
	out := make([]wire.ListRow, 0, min(len(in), maxRows))
	for _, r := range in {
		if len(out) == maxRows {
			break
		}
		row := wire.ListRow{Title: printable(r.Title, 120), Detail: printable(r.Detail, 240), Code: printable(r.Code, 40)}
		if !r.At.IsZero() {
			row.At = r.At.In(Baku).Format("2006-01-02T15:04")
		}
		if r.Amount != nil {
			if !r.Amount.Currency.Valid() {
				return nil, false
			}
			row.Amount = &wire.Val{Money: r.Amount}
		}
		out = append(out, row)
	}
	return out, true
}
