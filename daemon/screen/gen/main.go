// Command gen writes the TypeScript types of the screen's wire from the Go types
// of daemon/screen/wire, which are the only source. Run it from the module's root:
//
//	go run ./daemon/screen/gen
//
// A named Go string type with constants becomes a union of literals and a list of
// them; a struct becomes an interface with the names of its json tags. A member
// with omitempty is optional; a pointer, slice or map without it may be null,
// because encoding/json writes null for a nil one. The result is checked in, and
// the test of this package fails when it is not what the sources give.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	wire := flag.String("wire", "daemon/screen/wire", "folder of the contract")
	money := flag.String("money", "drivers/money", "folder of the types that the contract borrows")
	out := flag.String("out", "kiosk-ui/src/wire.gen.ts", "file to write")
	flag.Parse()
	if err := run(*wire, *money, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(wire, money, out string) error {
	ts, err := generate(wire, money)
	if err != nil {
		return err
	}
	return os.WriteFile(out, ts, 0o644)
}
