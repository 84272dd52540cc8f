package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	country "github.com/asan-kiosk/kiosk/provisioning/catalogue"
	"github.com/spf13/cobra"
)

// Files that "bundle keys" makes.
const (
	fileContentKey = "content.key"
	fileReleaseKey = "release.key"
	fileRoot       = "root.json"
)

const hintSource = "give a folder with services.json and the folders journeys, documents and texts"

// bundleDays is how long a bundle counts unless said otherwise.
const bundleDays = 365

// bundle is the group "kioskctl bundle".
func (p *program) bundle() *cobra.Command {
	group := &cobra.Command{
		Use:   "bundle",
		Short: "Check, build and sign the catalogue of services",
		Long: "A bundle is the services of the terminals as data, signed by two keys: one of the\n" +
			"people who write the services (content) and one of those who release them. A\n" +
			"terminal runs no other, and the checker refuses services that could take money\n" +
			"and end without a posting or a slip.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.AddCommand(p.bundleKeys(), p.bundleBuild(), p.bundleSign(), p.bundleCheck(), p.bundleShow())
	return group
}

// bundleKeys is "kioskctl bundle keys".
func (p *program) bundleKeys() *cobra.Command {
	var out, content, release string
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make a content key, a release key, and the root file for the terminals",
		Long: "Makes content.key and release.key (only their owner may read them) and root.json,\n" +
			"which goes to the terminals. Give the two keys to two people. Existing files are\n" +
			"never overwritten.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the three files")
	cmd.Flags().StringVar(&content, "content-id", "content-1", "name of the content key")
	cmd.Flags().StringVar(&release, "release-id", "release-1", "name of the release key")
	must(cmd.MarkFlagRequired("out"))
	cmd.RunE = p.do(func(context.Context) error {
		c, err := catalogue.NewSigner(content, nil)
		if err != nil {
			return err
		}
		r, err := catalogue.NewSigner(release, nil)
		if err != nil {
			return err
		}
		root := catalogue.Root{Version: 1, Keys: []catalogue.RootKey{c.Root(catalogue.RoleContent), r.Root(catalogue.RoleRelease)}}
		if err := root.Validate(); err != nil {
			return err
		}
		return p.writeKeys(out, c, r, root)
	})
	return cmd
}

func (p *program) writeKeys(dir string, content, release catalogue.Signer, root catalogue.Root) error {
	contentPEM, err := content.Marshal()
	if err != nil {
		return err
	}
	releasePEM, err := release.Marshal()
	if err != nil {
		return err
	}
	rootJSON, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := []struct {
		name string
		b    []byte
		mode fs.FileMode
	}{{fileContentKey, contentPEM, 0o600}, {fileReleaseKey, releasePEM, 0o600}, {fileRoot, append(rootJSON, '\n'), 0o644}}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			return hinted{fmt.Errorf("%s: %w", filepath.Join(dir, f.name), fs.ErrExist),
				"keys are never overwritten: choose another folder, or take the old ones away yourself"}
		}
	}
	for _, f := range files {
		if err := createFile(filepath.Join(dir, f.name), f.b, f.mode); err != nil {
			return err
		}
	}
	if p.json {
		return p.writeJSON(map[string]any{"folder": dir, "root": root})
	}
	_, err = fmt.Fprintf(p.out, "%s\n%s\n%s\n", filepath.Join(dir, fileContentKey), filepath.Join(dir, fileReleaseKey), filepath.Join(dir, fileRoot))
	return err
}

// createFile makes a file that must not exist, with exactly this mode.
func createFile(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask says
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// keyFiles are the flags that name private keys.
type keyFiles struct {
	folder string
	files  []string
}

func (k *keyFiles) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.folder, "keys", "", "folder made by bundle keys; signs with the keys that are in it")
	cmd.Flags().StringArrayVar(&k.files, "key", nil, "private key to sign with; may be given more than once")
	cmd.MarkFlagsOneRequired("keys", "key")
}

func (k *keyFiles) load() ([]catalogue.Signer, error) {
	files := slices.Clone(k.files)
	if k.folder != "" {
		found := len(files)
		for _, name := range []string{fileContentKey, fileReleaseKey} {
			path := filepath.Join(k.folder, name)
			if _, err := os.Stat(path); err == nil {
				files = append(files, path)
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		if len(files) == found {
			return nil, hinted{fmt.Errorf("%s: neither %s nor %s is in it", k.folder, fileContentKey, fileReleaseKey),
				"make keys with: kioskctl bundle keys --out " + k.folder}
		}
	}
	var out []catalogue.Signer
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, hinted{fmt.Errorf("%s: others may read this private key (mode %04o)", path, info.Mode().Perm()),
				"chmod 600 " + path + ", and make new keys if somebody else may have read it"}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := catalogue.ParseSigner(b)
		if err != nil {
			return nil, hinted{fmt.Errorf("%s: %w", path, err), "give a key that bundle keys has made"}
		}
		out = append(out, s)
	}
	return out, nil
}

// bundleBuild is "kioskctl bundle build".
func (p *program) bundleBuild() *cobra.Command {
	var source, out, from string
	var r catalogue.Release
	var days int
	keys := &keyFiles{}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Check the services and build a signed bundle",
		Long: "Checks the services and, if nothing is found, writes a bundle and signs it. With\n" +
			"both keys it is ready for the terminals; with one, the other person adds the second\n" +
			"signature with: kioskctl bundle sign.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&source, "source", "", "folder with the services (default: those built into this program)")
	cmd.Flags().StringVar(&out, "out", "", "folder of the bundle; it must not exist")
	cmd.Flags().Uint64Var(&r.Version, "version", 0, "version, above the one before (default: seconds since 1970)")
	cmd.Flags().Uint64Var(&r.RollbackFloor, "floor", 0, "lowest version that may still follow this one")
	cmd.Flags().StringVar(&from, "from", "", "when it begins, as 2027-01-01T00:00:00+04:00 (default: now)")
	cmd.Flags().IntVar(&days, "days", bundleDays, "for how many days it counts")
	keys.flags(cmd)
	must(cmd.MarkFlagRequired("out"))
	cmd.RunE = p.do(func(context.Context) error {
		// To the minute below: a bundle built now counts now, on clocks that are a
		// little behind as well.
		r.NotBefore = time.Now().UTC().Truncate(time.Minute)
		if from != "" {
			at, err := parseTime(from)
			if err != nil {
				return err
			}
			r.NotBefore = at
		}
		if days < 1 || days > 3660 {
			return hinted{fmt.Errorf("--days %d", days), "allowed are 1 to 3660"}
		}
		r.NotAfter = r.NotBefore.AddDate(0, 0, days)
		if r.Version == 0 {
			r.Version = uint64(time.Now().Unix())
		}
		signers, err := keys.load()
		if err != nil {
			return err
		}
		return p.build(out, sourceOf(source), r, signers)
	})
	return cmd
}

func (p *program) build(out string, source fs.FS, r catalogue.Release, signers []catalogue.Signer) error {
	err := catalogue.Write(out, source, r, signers...)
	var refused *catalogue.RefusedError
	switch {
	case errors.As(err, &refused):
		return p.report(refused.Findings)
	case errors.Is(err, fs.ErrExist):
		return hinted{err, "give the folder of the new bundle another name; a bundle is never changed"}
	case err != nil:
		return err
	}
	if p.json {
		return p.writeJSON(map[string]any{"bundle": out, "version": r.Version, "not_before": r.NotBefore, "not_after": r.NotAfter, "signed_by": ids(signers)})
	}
	_, err = fmt.Fprintf(p.out, "%s: version %d, from %s until %s, signed by %s\n", out, r.Version, day(r.NotBefore), day(r.NotAfter), strings.Join(ids(signers), " and "))
	return err
}

func ids(signers []catalogue.Signer) []string {
	var out []string
	for _, s := range signers {
		out = append(out, s.ID)
	}
	return out
}

// bundleSign is "kioskctl bundle sign".
func (p *program) bundleSign() *cobra.Command {
	var dir string
	keys := &keyFiles{}
	cmd := &cobra.Command{Use: "sign", Short: "Add a signature to a bundle that somebody else has built", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&dir, "bundle", "", "folder of the bundle")
	keys.flags(cmd)
	must(cmd.MarkFlagRequired("bundle"))
	cmd.RunE = p.do(func(context.Context) error {
		signers, err := keys.load()
		if err != nil {
			return err
		}
		if err := catalogue.Sign(dir, signers...); err != nil {
			return hinted{err, "give the folder of a bundle that bundle build has made"}
		}
		if p.json {
			return p.writeJSON(map[string]any{"bundle": dir, "signed_by": ids(signers)})
		}
		_, err = fmt.Fprintf(p.out, "%s: signed by %s\n", dir, strings.Join(ids(signers), " and "))
		return err
	})
	return cmd
}

// looked is what check and show look at: a bundle, or its source.
type looked struct{ bundle, root, source, at string }

func (l *looked) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.bundle, "bundle", "", "folder of a signed bundle")
	cmd.Flags().StringVar(&l.root, "root", "", "root.json of the terminals, for --bundle")
	cmd.Flags().StringVar(&l.source, "source", "", "folder with the services, not yet a bundle (default: those built into this program)")
	cmd.Flags().StringVar(&l.at, "at", "", "as if it were this time, as 2027-01-01T00:00:00+04:00")
	cmd.MarkFlagsMutuallyExclusive("bundle", "source")
	cmd.MarkFlagsRequiredTogether("bundle", "root")
}

// load reads what is looked at. What a terminal would not believe is a finding.
func (l *looked) load() (*catalogue.Bundle, error) {
	if l.bundle == "" {
		b, err := catalogue.Read(sourceOf(l.source))
		if err != nil {
			return nil, hinted{err, hintSource}
		}
		return b, nil
	}
	at := time.Now()
	if l.at != "" {
		t, err := parseTime(l.at)
		if err != nil {
			return nil, err
		}
		at = t
	}
	root, err := catalogue.LoadRoot(l.root)
	if err != nil {
		return nil, hinted{err, "give the root.json that bundle keys has made and the terminals have"}
	}
	b, err := catalogue.Load(l.bundle, root, at)
	for _, reason := range []error{catalogue.ErrSignature, catalogue.ErrDigest, catalogue.ErrDates, catalogue.ErrRollback} {
		if errors.Is(err, reason) {
			return nil, finding{err.Error()}
		}
	}
	return b, err
}

// bundleCheck is "kioskctl bundle check".
func (p *program) bundleCheck() *cobra.Command {
	l := &looked{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Prove that the services are safe to run, or list why not",
		Long: "Runs the checker that every terminal runs, over a signed bundle (--bundle and --root:\n" +
			"also hashes, signatures and dates) or over services that are being written\n" +
			"(--source). The exit code is 3 if something is found.",
		Args: cobra.NoArgs,
	}
	l.flags(cmd)
	cmd.RunE = p.do(func(context.Context) error {
		b, err := l.load()
		if err != nil {
			return err
		}
		if found := catalogue.Check(b); len(found) > 0 || p.json {
			return p.report(found)
		}
		_, err = fmt.Fprintf(p.out, "in order: %d services, %d journeys, %d documents, %d texts in each of %d languages\n",
			len(b.Services), len(b.Journeys), len(b.Documents), len(b.Texts["az"]), len(b.Texts))
		return err
	})
	return cmd
}

// report lists findings, each with what to do about it.
func (p *program) report(found []catalogue.Finding) error {
	for _, f := range found {
		if p.json {
			if err := p.writeJSON(map[string]any{"rule": f.Rule, "where": f.Where, "what": f.What, "do": f.Do}); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(p.out, "%s\n    %s [%s]\n", harmless(f.Where), harmless(f.What), f.Rule); err != nil {
			return err
		}
		if f.Do != "" {
			if _, err := fmt.Fprintf(p.out, "    → %s\n", harmless(f.Do)); err != nil {
				return err
			}
		}
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return finding{"the services are refused for 1 reason"}
	}
	return finding{fmt.Sprintf("the services are refused for %d reasons", len(found))}
}

// bundleShow is "kioskctl bundle show".
func (p *program) bundleShow() *cobra.Command {
	l := &looked{}
	cmd := &cobra.Command{Use: "show", Short: "List what a bundle holds", Args: cobra.NoArgs}
	l.flags(cmd)
	cmd.RunE = p.do(func(context.Context) error {
		b, err := l.load()
		if err != nil {
			return err
		}
		if p.json {
			return p.writeJSON(b)
		}
		return p.show(b)
	})
	return cmd
}

func (p *program) show(b *catalogue.Bundle) error {
	var s strings.Builder
	if b.Digest != "" {
		fmt.Fprintf(&s, "version %d, from %s until %s, floor %d\ndigest %s\n", b.Version, day(b.NotBefore), day(b.NotAfter), b.RollbackFloor, b.Digest)
	}
	for _, v := range b.Services {
		fmt.Fprintf(&s, "service %s (%s), needs %s: %s\n", v.ID, v.Category, strings.Join(v.Needs, ", "), b.Text("az", v.Title))
		j := b.Journeys[v.Journey]
		if j == nil {
			continue
		}
		for i := range j.Steps {
			st := &j.Steps[i]
			var ways []string
			for _, o := range slices.Sorted(maps.Keys(st.On)) {
				ways = append(ways, o+"→"+st.On[o])
			}
			fmt.Fprintf(&s, "  %-12s %-8s %s\n", st.ID, st.Kind, strings.Join(ways, "  "))
		}
	}
	fmt.Fprintf(&s, "documents %s\n", strings.Join(slices.Sorted(maps.Keys(b.Documents)), ", "))
	for _, lang := range slices.Sorted(maps.Keys(b.Texts)) {
		fmt.Fprintf(&s, "texts %s %d\n", lang, len(b.Texts[lang]))
	}
	for line := range strings.Lines(s.String()) {
		if _, err := fmt.Fprintln(p.out, harmless(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// sourceOf is the folder that was named, or the services that were built in.
func sourceOf(dir string) fs.FS {
	if dir == "" {
		return country.Source()
	}
	return os.DirFS(dir)
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, hinted{fmt.Errorf("%q is not a time", s), "write it as 2027-01-01T00:00:00+04:00"}
	}
	return t, nil
}

// day is a time as on the clock in the hall, to the minute.
func day(t time.Time) string { return t.In(baku).Format("2006-01-02 15:04") }

// must is for flags that this file has defined itself.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
