package signin

import "time"

// table holds things that end by themselves, at most limit of them and at most
// each of one owner (0: no such bound). An owner's oldest makes room for his own
// next; nobody makes room for another.
type table[T any] struct {
	limit, each int
	rows        map[string]*row[T]
	n           uint64
}

type row[T any] struct {
	v     T
	owner string
	ends  time.Time
	n     uint64 // in the order of putting
}

// put reports whether there was room.
func (t *table[T]) put(now time.Time, key, owner string, ends time.Time, v T) bool {
	if t.rows == nil {
		t.rows = map[string]*row[T]{}
	}
	if t.each > 0 {
		oldest, count := "", 0
		for k, r := range t.rows {
			if r.owner == owner {
				if count++; oldest == "" || r.n < t.rows[oldest].n {
					oldest = k
				}
			}
		}
		if count >= t.each {
			delete(t.rows, oldest)
		}
	}
	if len(t.rows) >= t.limit {
		for k, r := range t.rows {
			if !now.Before(r.ends) {
				delete(t.rows, k)
			}
		}
	}
	if len(t.rows) >= t.limit {
		return false
	}
	t.n++
	t.rows[key] = &row[T]{v, owner, ends, t.n}
	return true
}

// get is the owner's thing, or nil; what it points to may be changed.
func (t *table[T]) get(now time.Time, key, owner string) *T {
	r := t.rows[key]
	if r == nil || r.owner != owner {
		return nil
	}
	if !now.Before(r.ends) {
		delete(t.rows, key)
		return nil
	}
	return &r.v
}

func (t *table[T]) drop(key string) { delete(t.rows, key) }

// extend moves a thing's end.
func (t *table[T]) extend(key string, ends time.Time) {
	if r := t.rows[key]; r != nil {
		r.ends = ends
	}
}
