package smartcardtest

import (
	"testing"
	"testing/synctest"
)

func TestConformance(t *testing.T) {
	Suite(t, Subject{
		New: func(*testing.T) Stand { return NewTwin("Reader A 00 00", "Reader B 00 00") },
		Run: synctest.Test,
	})
}
