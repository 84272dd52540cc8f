//go:build faultpoints

package simulator_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/proof/simulator"
)

func env(t *testing.T) *simulator.Env {
	t.Helper()
	b, err := catalogue.Read(os.DirFS("../../provisioning/catalogue"))
	if err != nil {
		t.Fatal(err)
	}
	return &simulator.Env{Bundle: b}
}

// TestOnePaymentWithoutFaults is the story that all others spoil.
func TestOnePaymentWithoutFaults(t *testing.T) {
	res, err := env(t).Tell(simulator.Story{Seed: 1, Number: "200000001", Notes: []int64{20, 5, 1}, Finish: "finish"})
	if err != nil {
		t.Fatal(err)
	}
	if res.Problem != "" {
		t.Error(res.Problem)
	}
	if len(res.Told) == 0 || res.Told[len(res.Told)-1].Money != "posted" || res.Inside.Minor != 2600 {
		t.Errorf("told %+v, in the cassette %s", res.Told, res.Inside)
	}
}

// TestCouponBetweenNotes: a coupon among the notes changes nothing but the time.
func TestCouponBetweenNotes(t *testing.T) {
	res, err := env(t).Tell(simulator.Story{Seed: 1, Number: "200000001", Notes: []int64{20, 0, 5, 0, 1}, Finish: "finish", Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.Problem != "" || len(res.Told) == 0 || res.Told[len(res.Told)-1].Money != "posted" || res.Inside.Minor != 2600 {
		t.Errorf("%s: told %+v, in the cassette %s", res.Problem, res.Told, res.Inside)
	}
}

// TestKilledWhileACopyIsPrinted: at every point of the paper's way, and a copy is never
// made twice.
func TestKilledWhileACopyIsPrinted(t *testing.T) {
	e := env(t)
	tell := func(s simulator.Story) simulator.Result {
		t.Helper()
		res, err := e.Tell(s)
		if err != nil {
			t.Fatal(err)
		}
		if res.Problem != "" {
			t.Errorf("killed at hit %d of %s: %s", s.KillHit, s.KillPoint, res.Problem)
		}
		return res
	}
	story := simulator.Story{Seed: 1, Number: "200000001", Notes: []int64{20, 5, 1}, Finish: "finish", Strict: true}
	without := tell(story)
	story.Copies = 1
	with := tell(story)
	killed := 0
	for point, n := range with.Hits {
		if !strings.HasPrefix(point, "paper.") && !strings.HasPrefix(point, "escpos.") {
			continue
		}
		for hit := without.Hits[point] + 1; hit <= n; hit++ {
			s := story
			s.KillPoint, s.KillHit = point, hit
			if tell(s).Deaths != 1 {
				t.Errorf("nobody was killed at hit %d of %s", hit, point)
			}
			killed++
		}
	}
	if killed < 10 {
		t.Errorf("%d times only: no copy was printed", killed)
	}
}

// TestSameSeedSameStory: a story can be had again from its seed.
func TestSameSeedSameStory(t *testing.T) {
	e := env(t)
	for seed := range uint64(5) {
		a, err := e.Tell(simulator.Random(seed))
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.Tell(simulator.Random(seed))
		if err != nil {
			t.Fatal(err)
		}
		a.Story, b.Story = simulator.Story{}, simulator.Story{} // they hold functions
		if !reflect.DeepEqual(a, b) {
			t.Errorf("seed %d: two runs differ:\n%+v\n%+v", seed, a, b)
		}
	}
}
