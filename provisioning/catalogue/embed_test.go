package catalogue_test

import (
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	country "github.com/asan-kiosk/kiosk/provisioning/catalogue"
)

// The country's services pass the checker that every terminal runs.
func TestServicesPassTheChecker(t *testing.T) {
	b, err := catalogue.Read(country.Source())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range catalogue.Check(b) {
		t.Error(f)
	}
	if len(b.Services) == 0 || b.Journeys["pay.notification"] == nil {
		t.Error("pay.notification is missing")
	}
}
