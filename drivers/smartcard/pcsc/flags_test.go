package pcsc

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func proc(processes map[string]string) fs.FS {
	m := fstest.MapFS{"self/comm": {Data: []byte("kioskd\n")}, "meminfo": {}}
	for id, line := range processes {
		words := strings.Fields(line)
		name := words[0][strings.LastIndex(words[0], "/")+1:]
		m[id+"/comm"] = &fstest.MapFile{Data: []byte(name + "\n")}
		m[id+"/cmdline"] = &fstest.MapFile{Data: []byte(strings.Join(words, "\x00") + "\x00")}
	}
	return m
}

func TestLoggingFlags(t *testing.T) {
	for line, want := range map[string]string{
		"/usr/sbin/pcscd --foreground --auto-exit":    "",
		"/usr/sbin/pcscd --foreground --apdu":         "--apdu",
		"/usr/sbin/pcscd --debug --apdu":              "--debug --apdu",
		"pcscd -f -a":                                 "-a",
		"pcscd -fad":                                  "-a -d",
		"pcscd -d":                                    "-d",
		"pcscd --deb --ap":                            "--deb --ap",
		"pcscd --a":                                   "--a",
		"pcscd --auto":                                "",
		"pcscd -c -a":                                 "", // a folder of that name
		"pcscd -c/etc/readers -a":                     "-a",
		"pcscd --config /etc/debug -x":                "",
		"pcscd --config --apdu -a":                    "-a",
		"pcscd --config=--apdu":                       "",
		"pcscd -fcdata":                               "",
		"pcscd --max-thread 10 --error --critical -i": "",
		"pcscd -- --apdu":                             "",
		"pcscd":                                       "",
		"pcscd -xTHSI --force-reader-polling --info -e -C": "",
	} {
		got, err := LoggingFlags(proc(map[string]string{"17": line, "1": "/sbin/init --debug"}))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", line, got, err, want)
		}
	}
}

func TestLoggingFlagsUnknown(t *testing.T) {
	zombie := fstest.MapFS{"5/comm": {Data: []byte("pcscd\n")}, "5/cmdline": {}}
	unreadable := fstest.MapFS{"5/comm": {Data: []byte("pcscd\n")}}
	for name, p := range map[string]fs.FS{
		"no pcscd":         proc(map[string]string{"1": "/sbin/init", "2": "notpcscd --apdu"}),
		"a zombie":         zombie,
		"no right to read": unreadable,
		"no /proc":         fstest.MapFS{"x": {Mode: fs.ModeSymlink}},
	} {
		if got, err := LoggingFlags(p); !errors.Is(err, ErrUnknown) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	two, err := LoggingFlags(proc(map[string]string{"5": "pcscd -x", "6": "pcscd -a"}))
	if err != nil || !slices.Equal(two, []string{"-a"}) {
		t.Errorf("two: %v, %v", two, err)
	}
}

func FuzzLoggingFlags(f *testing.F) {
	f.Add([]byte("pcscd\x00-fa\x00--debug\x00"))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, flag := range loggingFlags(line) {
			if !strings.HasPrefix(flag, "-") {
				t.Errorf("%q", flag)
			}
		}
	})
}
