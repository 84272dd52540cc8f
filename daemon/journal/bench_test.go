package journal

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// BenchmarkAppend is the price of one durable group, beside the price of one
// fdatasync of an appended line in the same directory. One commit needs three:
// segment, the store's pages, the store's meta page.
func BenchmarkAppend(b *testing.B) {
	b.Run("fdatasync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "f"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		line := make([]byte, 400)
		for b.Loop() {
			if _, err := f.Write(line); err != nil {
				b.Fatal(err)
			}
			if err := fdatasync(f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		o := options(b, newClock())
		o.Dir = filepath.Join(b.TempDir(), "journal")
		j := open(b, o)
		for b.Loop() {
			appendOK(b, j, note("n", 1))
		}
	})
	b.Run("sixteen at once", func(b *testing.B) {
		o := options(b, newClock())
		o.Dir = filepath.Join(b.TempDir(), "journal")
		o.Synchronous = false
		j := open(b, o)
		b.SetParallelism(16)
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := j.Append(ctx, note("n", n.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkSeal(b *testing.B) {
	r := Record{V: 1, Terminal: testTerminal, Epoch: 1, Seq: 1, Kind: "note.stacked", Body: []byte(`{"note":{"type":3,"value":{"currency":"AZN","minor":1000}},"note_id":"n1","table_hash":"cd"}`)}
	for b.Loop() {
		if _, err := Seal(&r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is a start with 20,000 records behind it.
func BenchmarkOpen(b *testing.B) {
	o := options(b, newClock())
	o.Folds = fresh()
	j := open(b, o)
	drafts := make([]Draft, 1000)
	for i := range drafts {
		drafts[i] = note("n", 1)
	}
	for range 20 {
		appendOK(b, j, drafts...)
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		o.Folds = fresh()
		j, err := Open(o)
		if err != nil {
			b.Fatal(err)
		}
		j.Abandon()
	}
}
