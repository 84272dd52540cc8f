package journal

import (
	"errors"
	"fmt"
)

// Errors that a caller decides by.
var (
	// ErrNoJournal: the directory holds no journal and Options.Create was not set.
	ErrNoJournal = errors.New("no journal here")
	// ErrForeign: the files belong to another terminal, epoch or enrolment.
	ErrForeign = errors.New("journal of another terminal or epoch")
	// ErrInUse: another process has the journal open.
	ErrInUse = errors.New("journal is in use by another process")
	// ErrLost: records that were durable once are in neither copy. Nothing was
	// changed on disk.
	ErrLost = errors.New("journal has lost records")
	// ErrForked: the copies hold different records under one number.
	ErrForked = errors.New("the two copies of the journal contradict each other")
	// ErrSignature: a checkpoint's signature does not verify.
	ErrSignature = errors.New("checkpoint signature is not valid")
	// ErrDraft: a draft cannot become a record. Nothing of its group was written,
	// and the journal goes on.
	ErrDraft = errors.New("draft refused")
	// ErrClosed: Close or Abandon has been called.
	ErrClosed = errors.New("journal is closed")
	// ErrFailed: an earlier durable write failed. The journal refuses everything;
	// the process must end, and the next Open finds out what became durable.
	ErrFailed = errors.New("journal has failed")
)

// RecoveryError says why Open would not go on, and what a technician can do. It
// unwraps to one of the errors above.
type RecoveryError struct {
	Class error
	What  string // what is wrong, and which records are concerned
	Do    string // what to do next
}

func (e *RecoveryError) Error() string { return fmt.Sprintf("%v: %s; %s", e.Class, e.What, e.Do) }
func (e *RecoveryError) Unwrap() error { return e.Class }
func (e *RecoveryError) Hint() string  { return e.Do }

const (
	doLost = "keep this directory as evidence, restore a newer copy of it if there is one, otherwise let the technician begin a new epoch; central holds what it has acknowledged"
	doFork = "keep this directory as evidence; one copy was replaced by another disk's or by an old backup: find the right one, move the other out of the directory, start again"
	doKeys = "do not start the terminal: the record or the signing key was changed; give the terminal its own key back, or keep this directory as evidence and let the technician begin a new epoch"
)
