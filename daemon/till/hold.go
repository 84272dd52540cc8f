package till

// Hold keeps the acceptor from taking notes, whatever else would let it, until
// Release. A note that is past the decision finishes; one that comes is given
// back. Both may be called twice.
func (t *Till) Hold() { t.setHold(true) }

// Release ends Hold.
func (t *Till) Release() { t.setHold(false) }

func (t *Till) setHold(on bool) {
	if t.held != on {
		t.held = on
		t.steer()
	}
}

// shut reports whether no note may be taken by the machine's own state.
func (t *Till) shut() bool { return t.held }
