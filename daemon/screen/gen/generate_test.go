package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page is compiled against the checked-in file; a difference means that the
// page and the daemon would disagree about the wire.
func TestCheckedInTypesAreFresh(t *testing.T) {
	want, err := generate("../wire", "../../../drivers/money")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../kiosk-ui/src/wire.gen.ts")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("kiosk-ui/src/wire.gen.ts is stale: run go run ./daemon/screen/gen")
	}
}

func TestGenerate(t *testing.T) {
	const lent = "package lent\n\n// Coin is money.\ntype Coin struct {\n\tKind Kind `json:\"kind\"`\n}\n\ntype Kind string\n\nconst Gold Kind = \"gold\"\n\ntype Unused struct{ c chan int }\n"
	cases := []struct {
		name, source, want, wantErr string
	}{
		{
			name:   "constants of a named string become a union and a list",
			source: "// Step is where.\ntype Step string\nconst (\n\tA Step = \"a\"\n\tB Step = \"b'c\"\n)\ntype State struct {\n\tStep Step `json:\"step\"` // now\n}",
			want:   "/** Step is where. */\nexport const steps = ['a', 'b\\'c'] as const;\nexport type Step = (typeof steps)[number];\n\nexport interface State {\n  /** now */\n  readonly step: Step;\n}\n",
		},
		{
			name:   "omitempty is optional, a bare pointer or slice may be null",
			source: "type State struct {\n\tA *int `json:\"a,omitempty\"`\n\tB *int `json:\"b\"`\n\tC []string `json:\"c\"`\n\tD map[string]int64 `json:\"d,omitempty\"`\n\tE string `json:\"-\"`\n}",
			want:   "export interface State {\n  readonly a?: number;\n  readonly b: number | null;\n  readonly c: readonly string[] | null;\n  readonly d?: Readonly<Record<string, number>>;\n}\n",
		},
		{
			name:   "a borrowed type is written, its strings stay open, what is not borrowed is left out",
			source: "import \"lent\"\ntype State struct {\n\tC lent.Coin `json:\"c\"`\n}",
			want:   "export interface State {\n  readonly c: Coin;\n}\n\n/** Coin is money. */\nexport interface Coin {\n  readonly kind: Kind;\n}\n\nexport type Kind = string;\n",
		},
		{
			name:   "constants of the contract",
			source: "const Contract = 3\nconst NameHello = \"Screen.Hello\"\ntype State struct {\n\tA json.RawMessage `json:\"a\"`\n}",
			want:   "export const contract = 3;\nexport const nameHello = 'Screen.Hello';\n\nexport interface State {\n  readonly a: unknown;\n}\n",
		},
		{name: "a field without a json name", source: "type State struct {\n\tA int\n}", wantErr: "json name"},
		{name: "a type that cannot travel", source: "type State struct {\n\tA chan int `json:\"a\"`\n}", wantErr: "no form in TypeScript"},
		{name: "a type nobody knows", source: "type State struct {\n\tA Missing `json:\"a\"`\n}", wantErr: "unknown type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir, other := t.TempDir(), t.TempDir()
			write(t, dir, "package wire\n"+c.source+"\n")
			write(t, other, lent)
			got, err := generate(dir, other)
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Fatalf("error %v, want one about %q", err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(string(got), c.want) {
				t.Errorf("got\n%s\nwant at its end\n%s", got, c.want)
			}
		})
	}
}

func TestAnEmptyFolderIsAnError(t *testing.T) {
	if _, err := generate(t.TempDir()); err == nil {
		t.Error("a folder without Go sources gave types")
	}
}

func write(t *testing.T, dir, source string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
}
