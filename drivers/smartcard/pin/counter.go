package pin

import (
	"context"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
)

// Counter is a way to learn the tries left of one PIN that only some cards know;
// a profile asks only where it knows that the card does. TriesUnknown: the card
// did not tell after all. It may leave another directory selected.
type Counter func(ctx context.Context, ch *apdu.Channel, reference byte) (left int, err error)

// maxTries is more than any card allows; a greater number is no counter.
const maxTries = 127

// ByGetData reads the counter from the PIN's data object, as Thales' eID cards
// have it (GET DATA, A0 { 83 reference } to A0 { DF21 tries }).
func ByGetData(ctx context.Context, ch *apdu.Channel, reference byte) (int, error) {
	const (
		tagPIN   ber.Tag = 0xA0
		tagTries ber.Tag = 0xDF21
	)
	data, sw, err := ch.Do(ctx, apdu.GetData(0x00, 0xFF, []byte{byte(tagPIN), 3, 0x83, 1, reference}))
	if err != nil || sw != apdu.OK {
		return smartcard.TriesUnknown, err
	}
	r, err := ber.New(data).Enter(tagPIN)
	if err != nil {
		return smartcard.TriesUnknown, nil
	}
	return value(r, tagTries), nil
}

// ByRecord reads the counter from the records of EF 0016 in the master file, as
// cards of the EstEID 3 kind have it: record n belongs to PIN n and holds 80 (the
// most tries) and 90 (those left).
func ByRecord(ctx context.Context, ch *apdu.Channel, reference byte) (int, error) {
	const tagTries ber.Tag = 0x90
	for _, c := range []apdu.Command{
		apdu.Select(apdu.ByID, apdu.WithNone, []byte{0x3F, 0x00}),
		apdu.Select(apdu.ByChildEF, apdu.WithNone, []byte{0x00, 0x16}),
	} {
		if _, sw, err := ch.Do(ctx, c); err != nil || sw != apdu.OK {
			return smartcard.TriesUnknown, err
		}
	}
	data, sw, err := ch.Do(ctx, apdu.ReadRecord(reference))
	if err != nil || sw != apdu.OK {
		return smartcard.TriesUnknown, err
	}
	return value(ber.New(data), tagTries), nil
}

// value is the small number that a run holds under a tag.
func value(r *ber.Reader, tag ber.Tag) int {
	if r.Skip(tag) == nil {
		if v, err := r.Want(tag); err == nil && len(v.Body) == 1 && v.Body[0] <= maxTries {
			return int(v.Body[0])
		}
	}
	return smartcard.TriesUnknown
}
