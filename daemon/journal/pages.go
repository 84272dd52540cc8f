package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The store's pages carry no checksum, and the library meets a damaged page with
// a panic in a goroutine of its own, a cursor that goes round for ever, or a
// signal from the memory map: none of them can be caught by a caller. So before
// the library maps a file, checkPages walks the tree by plain reads with every
// bound checked. The layout is bbolt's file format version 2 (its
// internal/common package), which has not changed since 2014.

const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	boltNoFreelist = ^uint64(0)

	boltPageHeader = 16 // id u64, flags u16, count u16, overflow u32
	boltElement    = 16 // of a branch or a leaf page
	boltMetaSize   = 64 // magic u32 ... checksum u64
	boltBucketSize = 16 // root u64, sequence u64

	boltBranchPage   = 0x01
	boltLeafPage     = 0x02
	boltMetaPage     = 0x04
	boltFreelistPage = 0x10

	boltBucketEntry = 0x01 // leaf element that holds a bucket

	boltMaxDepth    = 32
	boltMaxOverflow = 4096 // pages of one node: 16 MiB, beyond the largest record
)

// errStoreDamaged is the class of everything that makes the store unusable but
// repairable from the segments.
var errStoreDamaged = errors.New("store is damaged")

type boltMeta struct {
	pageSize  uint32
	root      uint64
	freelist  uint64
	highWater uint64 // pages below it belong to the file
	tx        uint64
}

type pageWalk struct {
	f    io.ReaderAt
	meta boltMeta
	seen []uint64 // one bit for each page

	spare [][]byte // pages that have been looked at
}

// checkPages proves that every page reachable from the newest meta page is well
// formed, referenced once and in key order.
func checkPages(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	meta, err := newestMeta(f)
	if err != nil {
		return fmt.Errorf("%w: %w", errStoreDamaged, err)
	}
	if meta.highWater < 3 || meta.highWater > uint64(info.Size())/uint64(meta.pageSize) {
		return fmt.Errorf("%w: %d pages are named but the file has %d bytes", errStoreDamaged, meta.highWater, info.Size())
	}
	w := &pageWalk{f: f, meta: meta, seen: make([]uint64, meta.highWater/64+1)}
	w.seen[0] = 3 // the meta pages
	if meta.freelist != boltNoFreelist {
		if _, err := w.load(meta.freelist, boltFreelistPage); err != nil {
			return fmt.Errorf("%w: %w", errStoreDamaged, err)
		}
	}
	if _, err := w.node(meta.root, nil, nil, 0); err != nil {
		return fmt.Errorf("%w: %w", errStoreDamaged, err)
	}
	return nil
}

// newestMeta reads the valid meta page with the highest transaction. One of the
// two may be torn by a power loss; that is what the other is for.
func newestMeta(f io.ReaderAt) (boltMeta, error) {
	var best boltMeta
	found := false
	read := func(off int64) (boltMeta, bool) {
		b := make([]byte, boltPageHeader+boltMetaSize)
		if _, err := f.ReadAt(b, off); err != nil {
			return boltMeta{}, false
		}
		m := b[boltPageHeader:]
		u32 := func(i int) uint32 { return binary.NativeEndian.Uint32(m[i:]) }
		u64 := func(i int) uint64 { return binary.NativeEndian.Uint64(m[i:]) }
		sum := fnv.New64a()
		sum.Write(m[:boltMetaSize-8])
		meta := boltMeta{pageSize: u32(8), root: u64(16), freelist: u64(32), highWater: u64(40), tx: u64(48)}
		ok := u32(0) == boltMagic && u32(4) == boltVersion && u64(56) == sum.Sum64() &&
			binary.NativeEndian.Uint16(b[8:]) == boltMetaPage &&
			meta.pageSize >= 1024 && meta.pageSize <= 64<<10 && meta.pageSize&(meta.pageSize-1) == 0
		return meta, ok
	}
	offsets := []int64{0}
	for size := int64(1024); size <= 64<<10; size *= 2 {
		offsets = append(offsets, size)
	}
	for _, off := range offsets {
		if m, ok := read(off); ok && (off == 0 || off == int64(m.pageSize)) && (!found || m.tx > best.tx) {
			best, found = m, true
		}
	}
	if !found {
		return boltMeta{}, errors.New("no valid meta page")
	}
	return best, nil
}

// load reads a page with its overflow and marks it as seen.
func (w *pageWalk) load(id uint64, want ...uint16) ([]byte, error) {
	if id < 2 || id >= w.meta.highWater {
		return nil, fmt.Errorf("page %d is outside the file", id)
	}
	size := int64(w.meta.pageSize)
	page := w.page()
	if _, err := w.f.ReadAt(page, int64(id)*size); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	flags, overflow := binary.NativeEndian.Uint16(page[8:]), uint64(binary.NativeEndian.Uint32(page[12:]))
	known := false
	for _, f := range want {
		known = known || flags == f
	}
	switch {
	case binary.NativeEndian.Uint64(page) != id:
		return nil, fmt.Errorf("page %d calls itself %d", id, binary.NativeEndian.Uint64(page))
	case !known:
		return nil, fmt.Errorf("page %d has unexpected type %#x", id, flags)
	case overflow > boltMaxOverflow || id+overflow >= w.meta.highWater:
		return nil, fmt.Errorf("page %d runs past the file", id)
	}
	for p := id; p <= id+overflow; p++ {
		if w.seen[p/64]&(1<<(p%64)) != 0 {
			return nil, fmt.Errorf("page %d is used twice", p)
		}
		w.seen[p/64] |= 1 << (p % 64)
	}
	if overflow > 0 {
		page = append(page, make([]byte, size*int64(overflow))...)
		if _, err := w.f.ReadAt(page[size:], int64(id+1)*size); err != nil {
			return nil, fmt.Errorf("page %d: %w", id, err)
		}
	}
	return page, nil
}

// page is room for one page; done gives it back.
func (w *pageWalk) page() []byte {
	if n := len(w.spare); n > 0 {
		p := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return p
	}
	return make([]byte, w.meta.pageSize)
}

func (w *pageWalk) done(page []byte) {
	if len(page) == int(w.meta.pageSize) {
		w.spare = append(w.spare, page)
	}
}

// node walks the tree below a page whose keys must lie in [low, high); nil is no
// bound. It returns the last key.
func (w *pageWalk) node(id uint64, low, high []byte, depth int) ([]byte, error) {
	if depth > boltMaxDepth {
		return nil, fmt.Errorf("page %d lies deeper than %d levels", id, boltMaxDepth)
	}
	page, err := w.load(id, boltBranchPage, boltLeafPage)
	if err != nil {
		return nil, err
	}
	if binary.NativeEndian.Uint16(page[8:]) == boltLeafPage {
		last, err := w.leaf(id, page, low, high, depth)
		last = bytes.Clone(last) // it may lie in the page
		w.done(page)
		return last, err
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 {
		return nil, fmt.Errorf("branch page %d is empty", id)
	}
	type child struct {
		key []byte
		id  uint64
	}
	children := make([]child, count)
	for i := range count {
		at := boltPageHeader + i*boltElement
		if at+boltElement > len(page) {
			return nil, fmt.Errorf("page %d: element %d lies outside it", id, i)
		}
		pos, ksize := binary.NativeEndian.Uint32(page[at:]), binary.NativeEndian.Uint32(page[at+4:])
		key, ok := span(page, at, pos, ksize)
		if !ok || len(key) == 0 {
			return nil, fmt.Errorf("page %d: key %d lies outside it", id, i)
		}
		children[i] = child{key, binary.NativeEndian.Uint64(page[at+8:])}
	}
	last := low
	for i, c := range children {
		next := high
		if i+1 < count {
			next = children[i+1].key
		}
		if last != nil && (i == 0 && bytes.Compare(last, c.key) > 0 || i > 0 && bytes.Compare(last, c.key) >= 0) ||
			next != nil && bytes.Compare(c.key, next) >= 0 {
			return nil, fmt.Errorf("page %d: key %d is out of order", id, i)
		}
		if last, err = w.node(c.id, c.key, next, depth+1); err != nil {
			return nil, err
		}
	}
	return last, nil
}

func (w *pageWalk) leaf(id uint64, page, low, high []byte, depth int) ([]byte, error) {
	last := low
	for i := range int(binary.NativeEndian.Uint16(page[10:])) {
		at := boltPageHeader + i*boltElement
		if at+boltElement > len(page) {
			return nil, fmt.Errorf("page %d: element %d lies outside it", id, i)
		}
		flags, pos := binary.NativeEndian.Uint32(page[at:]), binary.NativeEndian.Uint32(page[at+4:])
		ksize, vsize := binary.NativeEndian.Uint32(page[at+8:]), binary.NativeEndian.Uint32(page[at+12:])
		key, ok := span(page, at, pos, ksize)
		value, okValue := span(page, at, pos+ksize, vsize)
		if !ok || !okValue || pos+ksize < pos || len(key) == 0 {
			return nil, fmt.Errorf("page %d: entry %d lies outside it", id, i)
		}
		if last != nil && (i == 0 && bytes.Compare(last, key) > 0 || i > 0 && bytes.Compare(last, key) >= 0) ||
			high != nil && bytes.Compare(key, high) >= 0 {
			return nil, fmt.Errorf("page %d: key %d is out of order", id, i)
		}
		last = key
		switch flags {
		case 0:
		case boltBucketEntry:
			if err := w.bucket(id, value, depth); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("page %d: entry %d has unexpected flags %#x", id, i, flags)
		}
	}
	return last, nil
}

// bucket follows a bucket's root, or checks the leaf page that a small bucket
// carries inside its value.
func (w *pageWalk) bucket(id uint64, value []byte, depth int) error {
	if len(value) < boltBucketSize {
		return fmt.Errorf("page %d: a bucket is cut short", id)
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		_, err := w.node(root, nil, nil, depth+1)
		return err
	}
	inline := value[boltBucketSize:]
	if len(inline) < boltPageHeader || binary.NativeEndian.Uint16(inline[8:]) != boltLeafPage || depth > boltMaxDepth {
		return fmt.Errorf("page %d: an inline bucket is malformed", id)
	}
	_, err := w.leaf(id, inline, nil, nil, depth+1)
	return err
}

// span is the part of a page that an element at offset at names, relative to
// itself.
func span(page []byte, at int, pos, size uint32) ([]byte, bool) {
	from, to := uint64(at)+uint64(pos), uint64(at)+uint64(pos)+uint64(size)
	if to > uint64(len(page)) {
		return nil, false
	}
	return page[from:to:to], true
}
