// Package kioskui holds the built page of the terminal's screen, embedded into the
// daemon. Build it with npm ci && npm run build; without a build the package
// compiles and holds no page.
package kioskui

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ../daemon/screen/gen -wire ../daemon/screen/wire -money ../drivers/money -out src/wire.gen.ts

//go:embed all:dist
var dist embed.FS

// FS is the page: index.html at its root, the hashed files below assets.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant and the folder is embedded
	}
	return sub
}

// Built reports whether there is a page.
func Built() bool {
	_, err := fs.Stat(FS(), "index.html")
	return err == nil
}

// AssetHash names the page: 64 hexadecimal digits. The page knows its own from a
// meta element, and loads itself anew when the daemon's is another.
var AssetHash = sync.OnceValue(func() string { return hashOf(FS()) })

// place is where the build writes the hash into index.html; the hash is taken over
// the file without it.
var place = regexp.MustCompile(`<meta name="asset" content="[0-9a-f]*">`)

// hashOf is the hash of one line for each file, "path sha256", in the order of
// their paths; build/asset.js computes the same. Dot files are no part of the page.
func hashOf(page fs.FS) string {
	type file struct{ name, sum string }
	var files []file
	err := fs.WalkDir(page, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		data, err := fs.ReadFile(page, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			data = place.ReplaceAll(data, []byte(`<meta name="asset" content="">`))
		}
		sum := sha256.Sum256(data)
		files = append(files, file{name, hex.EncodeToString(sum[:])})
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("kioskui: the embedded page cannot be read: %v", err))
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %s\n", f.name, f.sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}
