package main

import (
	"testing"
)

func TestSyncCosts(t *testing.T) {
	dir := t.TempDir()
	costs, err := syncCosts(dir)
	if err != nil || len(costs) != syncTimes {
		t.Fatalf("%d costs, %v", len(costs), err)
	}
	for _, c := range costs {
		if c <= 0 {
			t.Fatalf("a sync took %v", c)
		}
	}
	if _, err := syncCosts(dir + "/none"); err == nil {
		t.Error("measured in a folder that is not there")
	}
}
