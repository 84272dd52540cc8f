package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/spf13/cobra"
)

// enrolPerson runs "kioskctl people ..." with a standard input.
func enrolPerson(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{in: strings.NewReader(in), out: &stdout}
	root := &cobra.Command{Use: "kioskctl", SilenceUsage: true, SilenceErrors: true}
	root.PersistentFlags().BoolVar(&p.json, "json", false, "")
	root.AddCommand(p.people())
	root.SetArgs(append([]string{"people"}, args...))
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	cmd, err := root.ExecuteContextC(t.Context())
	code = p.exit(cmd, err, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestPeople(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.json")
	add := func(pin, number, name, role string) (int, string, string) {
		return enrolPerson(t, pin, "add", "--file", file, "--number", number, "--name", name, "--role", role)
	}
	if code, _, errOut := enrolPerson(t, "", "list", "--file", file); code != exitFailed || !strings.Contains(errOut, "people.json") {
		t.Errorf("a file that is not there: %d, %s", code, errOut)
	}
	if code, out, errOut := add("2580\n", "101", "R. Məmmədov", "technician"); code != exitOK || !strings.HasPrefix(out, "enrolled: 101, R. Məmmədov, technician\n") {
		t.Fatalf("%d: %s%s", code, out, errOut)
	}
	if code, _, errOut := add("1470\r\n", "201", "L. Əliyeva", "collector"); code != exitOK {
		t.Fatalf("%d: %s", code, errOut)
	}
	ps, err := people.Load(file)
	if err != nil || !ps.Find("101").Verify([]byte("2580")) || !ps.Find("201").Verify([]byte("1470")) {
		t.Errorf("the file holds %v, %v", ps, err)
	}
	b, err := os.ReadFile(file)
	if err != nil || bytes.Contains(b, []byte("2580")) {
		t.Errorf("the file shows a PIN, or %v", err)
	}
	for _, c := range []struct{ name, pin, number, role, want string }{
		{"number taken", "2580", "101", "both", "R. Məmmədov"},
		{"easy", "1234", "102", "both", "too easy"},
		{"short", "258", "102", "both", "4 to 8 digits"},
		{"letters", "25a0", "102", "both", "digits only"},
		{"long", strings.Repeat("5", 100), "102", "both", "longer than any PIN"},
		{"none", "", "102", "both", "no PIN came"},
		{"role", "2580", "102", "owner", "technician, collector, both"},
		{"bad number", "2580", "x", "both", "2 to 8 digits"},
	} {
		code, out, errOut := add(c.pin+"\n", c.number, "Somebody", c.role)
		if c.name == "none" {
			code, out, errOut = add("", c.number, "Somebody", c.role)
		}
		if code != exitFailed || !strings.Contains(errOut, c.want) || out != "" {
			t.Errorf("%s: %d, %q", c.name, code, errOut)
		}
		if c.pin != "" && strings.Contains(errOut, c.pin) && c.pin != "1234" {
			t.Errorf("%s: the error shows the PIN", c.name)
		}
	}
	if _, out, _ := enrolPerson(t, "", "list", "--file", file); out != "101       technician  R. Məmmədov\n201       collector   L. Əliyeva\n" {
		t.Errorf("listed as\n%s", out)
	}
	if _, out, _ := enrolPerson(t, "", "list", "--file", file, "--json"); out != `[{"number":"101","name":"R. Məmmədov","role":"technician"},{"number":"201","name":"L. Əliyeva","role":"collector"}]`+"\n" {
		t.Errorf("listed as %s", out)
	}
	if code, _, _ := enrolPerson(t, "", "remove", "--file", file, "--number", "201"); code != exitOK {
		t.Error("could not be taken out")
	}
	if code, _, errOut := enrolPerson(t, "", "remove", "--file", file, "--number", "201"); code != exitFailed || !strings.Contains(errOut, "hint: kioskctl people list") {
		t.Errorf("taken out twice: %d, %s", code, errOut)
	}
	if _, out, _ := enrolPerson(t, "", "list", "--file", file); strings.Contains(out, "201") {
		t.Errorf("still listed: %s", out)
	}
}
