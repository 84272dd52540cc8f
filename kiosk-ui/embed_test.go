package kioskui

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func page(index string) fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":       {},
		"index.html":     {Data: []byte(index)},
		"assets/a-1.js":  {Data: []byte("1")},
		"assets/a-2.css": {Data: []byte("2")},
	}
}

func TestHashNamesThePage(t *testing.T) {
	const empty = `<meta name="asset" content="">`
	first := hashOf(page(empty))
	if len(first) != 64 {
		t.Fatalf("hash %q is not 64 digits", first)
	}
	if got := hashOf(page(strings.Replace(empty, `""`, `"`+first+`"`, 1))); got != first {
		t.Error("the hash changes when it is written into the page, so that page and daemon could never agree")
	}
	other := page(empty)
	other["assets/a-1.js"] = &fstest.MapFile{Data: []byte("1b")}
	if hashOf(other) == first {
		t.Error("a changed script has the same hash")
	}
	if hashOf(page(empty+"<p>")) == first {
		t.Error("a changed index.html has the same hash")
	}
	renamed := page(empty)
	renamed["assets/b.js"], renamed["assets/a-1.js"] = renamed["assets/a-1.js"], nil
	delete(renamed, "assets/a-1.js")
	if hashOf(renamed) == first {
		t.Error("a renamed script has the same hash")
	}
}

// What the build wrote into the page must be what the daemon says, or every page
// would load itself anew once for nothing.
func TestTheBuiltPageKnowsItsHash(t *testing.T) {
	if !Built() {
		if AssetHash() == "" {
			t.Error("a daemon without a page has no hash at all")
		}
		return // the tree without a build of the page: nothing to compare
	}
	index, err := fs.ReadFile(FS(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if want := `<meta name="asset" content="` + AssetHash() + `">`; !strings.Contains(string(index), want) {
		t.Errorf("index.html does not hold %s", want)
	}
}
