package rooms

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// repository finds the root of the checkout and the module's name.
func repository(t *testing.T) (root, module string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			first, _, _ := strings.Cut(string(b), "\n")
			return dir, strings.TrimSpace(strings.TrimPrefix(first, "module "))
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
	}
}

// generatedFolders hold what is built or installed, never what is written.
var generatedFolders = []string{".git", "node_modules", "bin", "var", "kiosk-ui/dist"}

// files lists the files of the repository, relative to root. What git tracks and
// what it would take in; without git, what stands in the folder.
func files(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		var list []string
		for _, f := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
			if info, err := os.Lstat(filepath.Join(root, f)); err == nil && info.Mode().IsRegular() {
				list = append(list, f)
			}
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	var list []string
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains(generatedFolders, rel) || slices.Contains(generatedFolders, d.Name())) {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			list = append(list, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var list []string
	for _, f := range files(t, root) {
		if strings.HasSuffix(f, ".go") && !strings.Contains("/"+f, "/testdata/") {
			list = append(list, f)
		}
	}
	return list
}

func source(t *testing.T, root, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func isText(b []byte) bool { return !bytes.Contains(b[:min(len(b), 8000)], []byte{0}) }

// generated knows the line that the Go tools prescribe, in any language's
// comment.
var generated = regexp.MustCompile(`(?m)^\W*Code generated .* DO NOT EDIT\.`)

func isGenerated(name string, b []byte) bool {
	return path.Base(name) == "package-lock.json" || path.Base(name) == "go.sum" || generated.Match(b)
}

// elsewhere are words that speak of the machine on which a file was written, or
// of the place its parts were fetched from. The patterns are put together here
// so that this file does not hold them itself.
var elsewhere = []struct {
	form *regexp.Regexp
	rule string
}{
	{regexp.MustCompile(`(^|[\s"'` + "`" + `=(:])/(wo` + `rk|ro` + `ot|ho` + `me|Us` + `ers)/\w`),
		"no path of the machine it was written on"},
	{regexp.MustCompile(`registry\.(np` + `mjs|yar` + `npkg)\.|proxy\.gol` + `ang\.org|goproxy\.(io|cn)|arti` + `factory|files\.python` + `hosted|npm\.pkg\.git` + `hub`),
		"no host of a package registry: the tools know where to ask"},
}

// TestNothingOfThisMachine reads every text file line by line.
func TestNothingOfThisMachine(t *testing.T) {
	root, _ := repository(t)
	for _, f := range files(t, root) {
		b := source(t, root, f)
		if !isText(b) {
			continue
		}
		for _, e := range elsewhere {
			if !e.form.Match(b) {
				continue // nearly always; line by line is slow
			}
			for n, line := range strings.Split(string(b), "\n") {
				if hit := e.form.FindString(line); hit != "" {
					t.Errorf("%s:%d: %q\n\trule: %s", f, n+1, strings.TrimSpace(hit), e.rule)
				}
			}
		}
	}
}

func TestElsewhereBites(t *testing.T) {
	for line, bad := range map[string]bool{
		`dir = "/wo` + `rk/main"`:                         true,
		`# see /ro` + `ot/go/pkg`:                         true,
		`"resolved": "https://registry.np` + `mjs.org/x"`: true,
		`fetch("/work")`:                                  false,
		`the artwork/main folder`:                         false,
		`/var/lib/kiosk/root/x`:                           false,
		`path.Join(root, "home")`:                         false,
	} {
		got := false
		for _, e := range elsewhere {
			got = got || e.form.MatchString(line)
		}
		if got != bad {
			t.Errorf("%q: refused %v, want %v", line, got, bad)
		}
	}
}

// maxLines is how long a file may be; about 500 is what can be read in one
// sitting, and this is where it ends.
const maxLines = 700

// written are the kinds of file that people write and read.
var written = []string{".go", ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".sh", ".mk", ".toml"}

func TestFilesCanBeRead(t *testing.T) {
	root, _ := repository(t)
	for _, f := range files(t, root) {
		if !slices.Contains(written, path.Ext(f)) && path.Base(f) != "Makefile" {
			continue
		}
		b := source(t, root, f)
		if n := bytes.Count(b, []byte("\n")); n > maxLines && !isGenerated(f, b) {
			t.Errorf("%s has %d lines\n\trule: a file is about one thing and has at most %d lines", f, n, maxLines)
		}
	}
}

// TestPackageComments: a package's first file tells its story.
func TestPackageComments(t *testing.T) {
	root, _ := repository(t)
	type story struct{ name, text string }
	packages := map[string]story{}
	for _, f := range goFiles(t, root) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, source(t, root, f), parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		s := packages[path.Dir(f)]
		s.name = parsed.Name.Name
		if parsed.Doc != nil {
			// A file of a build with a tag, or a generated one, may add to the story.
			s.text += parsed.Doc.Text()
		}
		packages[path.Dir(f)] = s
	}
	for dir, s := range packages {
		begin := "Package " + s.name + " "
		if s.name == "main" {
			begin = "Command "
		}
		switch {
		case s.text == "":
			t.Errorf("%s\n\trule: every package has a comment that tells what it is for", dir)
		case !strings.Contains(s.text, begin):
			t.Errorf("%s: the package comment begins %.40q\n\trule: it begins %q", dir, s.text, begin)
		}
	}
}

// physical are CSS properties and values that name a side of the screen. The
// page is mirrored for Arabic and Persian, so it says start and end.
var physical = regexp.MustCompile(`(?i)(^|[\s;{])(` +
	`(margin|padding|border|scroll-margin|scroll-padding)-(left|right)[\w-]*` +
	`|border-(top|bottom)-(left|right)-radius` +
	`|left|right` +
	`)\s*:` +
	`|(text-align|float|clear|caption-side)\s*:\s*(left|right)\b`)

var cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)

func TestNoPhysicalSides(t *testing.T) {
	root, _ := repository(t)
	for _, f := range files(t, root) {
		if !strings.HasPrefix(f, "kiosk-ui/") || path.Ext(f) != ".css" {
			continue
		}
		text := cssComment.ReplaceAllStringFunc(string(source(t, root, f)), func(c string) string {
			return strings.Repeat("\n", strings.Count(c, "\n")) // keep the lines' numbers
		})
		for n, line := range strings.Split(text, "\n") {
			if hit := physical.FindString(line); hit != "" {
				t.Errorf("%s:%d: %q\n\trule: logical properties only (inline-start, inline-end): the page is mirrored for ar and fa",
					f, n+1, strings.TrimSpace(hit))
			}
		}
	}
}

func TestPhysicalBites(t *testing.T) {
	for line, bad := range map[string]bool{
		"  margin-left: 3px;":                true,
		"a{right:0}":                         true,
		"text-align: right;":                 true,
		"border-top-left-radius: 4px":        true,
		"float:left":                         true,
		"margin-inline-start: 3px;":          false,
		"inset-inline-end: 0;":               false,
		"text-align: start;":                 false,
		"border-start-start-radius: 4px;":    false,
		"animation: slide-right 1s;":         false,
		".key-right { color: red }":          false,
		"transform-origin: left;":            false,
		"background-position: right center;": false,
	} {
		if got := physical.MatchString(line); got != bad {
			t.Errorf("%q: refused %v, want %v", line, got, bad)
		}
	}
}
