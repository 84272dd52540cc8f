package pcsc

import (
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsctest"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/smartcardtest"
)

func TestMain(m *testing.M) { pcsctest.Main(m) }

// stand is the real daemon with a service.
type stand struct {
	*pcsctest.Daemon
	service *Service
}

func (s stand) Service() smartcard.Service { return s.service }

func newStand(t *testing.T) stand { return stand{pcsctest.Start(t, 2), New()} }

// TestConformance runs the family's suite against a real pcscd.
func TestConformance(t *testing.T) {
	smartcardtest.Suite(t, smartcardtest.Subject{
		New: func(t *testing.T) smartcardtest.Stand { return newStand(t) },
		Run: func(t *testing.T, f func(*testing.T)) { f(t) },
	})
}
