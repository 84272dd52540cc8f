package centralapi

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The generated code is that of the document beside it.
func TestGeneratedIsUpToDate(t *testing.T) {
	out := filepath.Join(t.TempDir(), "central.gen.go")
	cmd := exec.Command("go", "tool", "oapi-codegen", "-config", "oapi-codegen.yaml", "-o", out, "openapi.yaml")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("central.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("central.gen.go is not what openapi.yaml says; run go generate")
	}
}

// Every type of problem has the form of the closed list.
func TestProblemTypes(t *testing.T) {
	for _, p := range []ProblemType{ProblemMalformed, ProblemBodyInvalid, ProblemInternal} {
		if !p.Valid() {
			t.Fatalf("%s is not in the list", p)
		}
	}
	if ProblemType("urn:kiosk:problem:other").Valid() {
		t.Fatal("the list is not closed")
	}
}
