package cardfile

import (
	"context"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
)

const (
	maxRecords = 64
	// tagReadData holds the bytes of READ BINARY with an offset data object.
	tagReadData ber.Tag = 0x53
)

// Part is a piece of a file: from Index, Length bytes or, if that is 0, to the
// end.
type Part struct{ Index, Length int }

// Read selects a file and reads it, or a part of it. It stops early when enough
// says so of what was read; nil reads on to the end. A file of records is its
// records one after the other.
func (f *Files) Read(ctx context.Context, p Path, part Part, enough func([]byte) bool) ([]byte, error) {
	if part.Index < 0 || part.Length < 0 || part.Index > MaxFile || part.Length > MaxFile {
		return nil, fmt.Errorf("%w: part of a file outside it", smartcard.ErrMalformed)
	}
	if enough == nil {
		enough = func([]byte) bool { return false }
	}
	info, err := f.Select(ctx, p, true)
	if err != nil {
		return nil, err
	}
	switch info.Kind {
	case Directory:
		return nil, fmt.Errorf("%w: a directory where a file should be", smartcard.ErrMalformed)
	case Records:
		return f.readRecords(ctx)
	}
	limit := MaxFile - part.Index
	if info.Size != SizeUnknown {
		limit = max(0, info.Size-part.Index)
	}
	if part.Length > 0 {
		limit = min(limit, part.Length)
	}
	return f.readBytes(ctx, p, part.Index, limit, info.Sure, enough)
}

// readBytes reads limit bytes from an offset; if the file's size is not sure,
// less is no error. A reading that fails in the middle of a file may be a glitch
// of the reader: the file is selected again and the offset read once more.
func (f *Files) readBytes(ctx context.Context, p Path, from, limit int, sure bool, enough func([]byte) bool) ([]byte, error) {
	var got []byte
	again := false
	for len(got) < limit && !enough(got) {
		at, asked := from+len(got), min(limit-len(got), apdu.MaxShortAnswer)
		block, sw, err := f.readBlock(ctx, at, asked)
		if err != nil {
			return nil, err
		}
		// A block in a data object is shorter than the answer that holds it, so its
		// length says nothing of the file's end.
		short := len(block) < asked && !apdu.InDataObject(at)
		switch {
		case sw == apdu.OK && len(block) > 0, sw == apdu.EndOfFile:
			got = append(got, block[:min(len(block), limit-len(got))]...)
			clear(block)
			if sw == apdu.EndOfFile || (!sure && short) {
				return got, nil
			}
			again = false
		case !again && len(got) > 0:
			again = true
			if _, err := f.Select(ctx, p, true); err != nil {
				return nil, err
			}
		case len(got) > 0 && !sure && (sw == apdu.WrongOffset || sw == apdu.OK):
			return got, nil
		case sw == apdu.OK:
			return got, nil
		default:
			c := apdu.ReadBinary(0, 0)
			return nil, &apdu.StatusError{INS: c.INS, SW: sw}
		}
	}
	return got, nil
}

// readBlock reads at most n bytes at an offset.
func (f *Files) readBlock(ctx context.Context, offset, n int) ([]byte, apdu.SW, error) {
	if !apdu.InDataObject(offset) {
		return f.ch.Do(ctx, apdu.ReadBinary(offset, n))
	}
	data, sw, err := f.ch.Do(ctx, apdu.ReadBinary(offset, apdu.MaxShortAnswer))
	if err != nil || len(data) == 0 {
		return nil, sw, err
	}
	v, err := ber.New(data).Want(tagReadData)
	if err != nil {
		return nil, sw, fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
	}
	return v.Body, sw, nil
}

// readRecords reads the current file's records up to the first that is not there.
func (f *Files) readRecords(ctx context.Context) ([]byte, error) {
	var got []byte
	for n := byte(1); n <= maxRecords; n++ {
		c := apdu.ReadRecord(n)
		record, sw, err := f.ch.Do(ctx, c)
		switch {
		case err != nil:
			return nil, err
		case sw == apdu.RecordNotFound:
			return got, nil
		case sw != apdu.OK && sw != apdu.EndOfFile:
			return nil, &apdu.StatusError{INS: c.INS, SW: sw}
		case len(got)+len(record) > MaxFile:
			return nil, fmt.Errorf("%w: records of more than %d bytes", smartcard.ErrMalformed, MaxFile)
		}
		got = append(got, unpad(record)...)
	}
	return got, nil
}

// unpad drops a record's filling, so that the next record's values follow.
func unpad(record []byte) []byte {
	r := ber.New(record)
	n := 0
	for r.MoreInFile() {
		v, err := r.Next()
		if err != nil {
			return record
		}
		n += len(v.Raw)
	}
	return record[:n]
}
