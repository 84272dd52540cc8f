package people

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The derivation is that of the standard library, byte for byte.
func TestDerive(t *testing.T) {
	for _, c := range []struct {
		pin        string
		salt       string
		iterations int
	}{{"2580", "0123456789abcdef", 1}, {"2580", "0123456789abcdef", 2}, {"14703690", "another salt of 25 bytes.", 1000}, {"", "s", 3}} {
		want, err := pbkdf2.Key(sha256.New, c.pin, []byte(c.salt), c.iterations, hashSize)
		if err != nil {
			t.Fatal(err)
		}
		if got := derive([]byte(c.pin), []byte(c.salt), c.iterations); !bytes.Equal(got, want) {
			t.Errorf("%q, %d iterations: %x, want %x", c.pin, c.iterations, got, want)
		}
	}
}

func TestPerson(t *testing.T) {
	p, err := New("101", "R. Məmmədov", RoleTechnician, []byte("2580"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Verify([]byte("2580")) || p.Verify([]byte("2581")) || p.Verify(nil) || p.Verify([]byte("25800")) {
		t.Error("the PIN is not told from another one")
	}
	if Nobody().Verify([]byte("2580")) {
		t.Error("nobody has a PIN")
	}
	if strings.Contains(p.String(), p.Hash) || p.String() != "101 R. Məmmədov" {
		t.Errorf("a person prints as %q", p)
	}
}

func TestCheckPIN(t *testing.T) {
	for pin, good := range map[string]bool{
		"2580": true, "13579": true, "90817263": true, "1123": true,
		"123": false, "258012345": false, "25a0": false, "": false,
		"1111": false, "1234": false, "9876": false, "00000000": false,
	} {
		if err := CheckPIN([]byte(pin)); (err == nil) != good {
			t.Errorf("%s: %v", pin, err)
		} else if err != nil && pin != "" && strings.Contains(err.Error(), pin) && pin != "1234" {
			t.Errorf("the error shows the PIN: %v", err)
		}
	}
}

// someone is a person for the file's sake, without the time of a derivation.
func someone(number string) Person {
	return Person{Number: number, Name: "Somebody", Role: RoleBoth, Iterations: Iterations,
		Salt: strings.Repeat("0f", saltSize), Hash: strings.Repeat("f0", hashSize)}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.json")
	ps, err := People(nil).With(someone("201"))
	if err != nil {
		t.Fatal(err)
	}
	if ps, err = ps.With(someone("101")); err != nil {
		t.Fatal(err)
	}
	if _, err := ps.With(someone("101")); err == nil {
		t.Error("one number for two people")
	}
	if err := Save(path, ps); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || len(got) != 2 || got[0].Number != "101" || *got.Find("201") != someone("201") {
		t.Fatalf("read back %v, %v", got, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o", info.Mode().Perm())
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if ps, err = ps.Without("101"); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, ps); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %04o", info.Mode().Perm())
	}
	if _, err := ps.Without("101"); err == nil {
		t.Error("who is not there was taken out")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "0644") {
		t.Errorf("everybody may read it: %v", err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{link, path + ".none", t.TempDir()} {
		if _, err := Load(bad); err == nil {
			t.Errorf("%s was read", filepath.Base(bad))
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := `{"version":1,"people":[{"number":"101","name":"A","role":"both","iterations":600000,"salt":"` +
		strings.Repeat("00", saltSize) + `","hash":"` + strings.Repeat("00", hashSize) + `"}]}`
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"version":       {`"version":1`, `"version":2`},
		"number":        {`"101"`, `"1"`},
		"letters":       {`"101"`, `"10a"`},
		"name":          {`"A"`, `""`},
		"control":       {`"A"`, `"A\u001b"`},
		"role":          {`"both"`, `"owner"`},
		"iterations":    {`600000`, `1000`},
		"huge":          {`600000`, `60000000`},
		"salt":          {`"salt":"00`, `"salt":"zz`},
		"hash":          {`"hash":"0000`, `"hash":"00`},
		"unknown field": {`"name"`, `"pin":"2580","name"`},
		"twice":         {`}]}`, `},` + good[strings.Index(good, `{"number"`):]},
		"rest":          {`}]}`, `}]}x`},
	} {
		if _, err := Parse([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Parse(bytes.Repeat([]byte{' '}, maxSize+1)); err == nil {
		t.Error("a file of any size was taken")
	}
}
