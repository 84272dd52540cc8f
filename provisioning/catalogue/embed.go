// Package catalogue holds the services of the country as data: services.json,
// journeys, documents and texts in nine languages, with dated rules and prices.
// The daemon's room of the same name says what they mean and proves them safe;
// kioskctl bundle checks and signs them. A terminal never reads this folder: it
// runs a signed bundle.
package catalogue

import (
	"embed"
	"io/fs"
)

//go:embed services.json parties.json journeys documents texts
var files embed.FS

// Source is the folder as it was when the program was built.
func Source() fs.FS { return files }
