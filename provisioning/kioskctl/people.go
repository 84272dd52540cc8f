package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const hintRestart = "the daemon reads the file when it starts: restart it"

// people is the group "kioskctl people".
func (p *program) people() *cobra.Command {
	group := &cobra.Command{
		Use:   "people",
		Short: "Enrol the people who may look after a terminal",
		Long: "A person opens a door of the cabinet with a key and signs in on the screen with\n" +
			"a number and a PIN. Technicians look after the devices, collectors after the\n" +
			"cassette; a tamper alarm needs two people. What the daemon writes down carries\n" +
			"the number, so a number is never given to somebody else.\n\n" +
			"The file is a secret although no PIN stands in it: PINs are short.\n" + hintRestart + ".",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var file string
	group.PersistentFlags().StringVar(&file, "file", "/etc/kiosk/people.json", "file of the people, upkeep.people in the daemon's configuration")
	group.AddCommand(p.peopleAdd(&file), p.peopleRemove(&file), p.peopleList(&file))
	return group
}

// peopleAdd is "kioskctl people add".
func (p *program) peopleAdd(file *string) *cobra.Command {
	var number, name, role string
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Enrol a person; the PIN comes from the standard input",
		Long: fmt.Sprintf("The PIN has %d to %d digits. At a terminal it is asked for twice and not shown;\n"+
			"otherwise the first line of the standard input is it. It is no flag, because every\n"+
			"user of a machine can read the command lines of the others.", people.MinPIN, people.MaxPIN),
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&number, "number", "", "2 to 8 digits")
	cmd.Flags().StringVar(&name, "name", "", "as the service screen shows it")
	cmd.Flags().StringVar(&role, "role", "", "technician, collector or both")
	for _, f := range []string{"number", "name", "role"} {
		must(cmd.MarkFlagRequired(f))
	}
	cmd.RunE = p.do(func(context.Context) error {
		ps, err := loadPeople(*file, true)
		if err != nil {
			return err
		}
		pin, err := readPIN(p.in, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		person, err := people.New(number, name, people.Role(role), pin, rand.Reader)
		clear(pin)
		if err != nil {
			return err
		}
		if ps, err = ps.With(person); err != nil {
			return hinted{err, "kioskctl people list shows who is enrolled"}
		}
		if err := people.Save(*file, ps); err != nil {
			return err
		}
		return p.tellPeople("enrolled", person)
	})
	return cmd
}

// peopleRemove is "kioskctl people remove".
func (p *program) peopleRemove(file *string) *cobra.Command {
	var number string
	cmd := &cobra.Command{Use: "remove", Short: "Take a person out", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&number, "number", "", "the person's number")
	must(cmd.MarkFlagRequired("number"))
	cmd.RunE = p.do(func(context.Context) error {
		ps, err := loadPeople(*file, false)
		if err != nil {
			return err
		}
		left, err := ps.Without(number)
		if err != nil {
			return hinted{err, "kioskctl people list shows who is enrolled"}
		}
		if err := people.Save(*file, left); err != nil {
			return err
		}
		return p.tellPeople("taken out", *ps.Find(number))
	})
	return cmd
}

// peopleList is "kioskctl people list".
func (p *program) peopleList(file *string) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Show who is enrolled", Args: cobra.NoArgs, RunE: p.do(func(context.Context) error {
		ps, err := loadPeople(*file, false)
		if err != nil {
			return err
		}
		if p.json {
			list := make([]personLine, len(ps))
			for i, x := range ps {
				list[i] = lineOf(x)
			}
			return json.NewEncoder(p.out).Encode(list)
		}
		if len(ps) == 0 {
			_, err := fmt.Fprintln(p.out, "nobody is enrolled")
			return err
		}
		for _, x := range ps {
			if _, err := fmt.Fprintf(p.out, "%-8s  %-10s  %s\n", x.Number, x.Role, harmless(x.Name)); err != nil {
				return err
			}
		}
		return nil
	})}
}

// personLine is a person as --json shows them: nothing of the PIN.
type personLine struct {
	Number string      `json:"number"`
	Name   string      `json:"name"`
	Role   people.Role `json:"role"`
}

func lineOf(p people.Person) personLine { return personLine{p.Number, p.Name, p.Role} }

func (p *program) tellPeople(what string, x people.Person) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(lineOf(x))
	}
	_, err := fmt.Fprintf(p.out, "%s: %s, %s, %s\n%s\n", what, x.Number, harmless(x.Name), x.Role, hintRestart)
	return err
}

// loadPeople reads the file; a missing one is an empty one where that is meant.
func loadPeople(file string, mayMiss bool) (people.People, error) {
	ps, err := people.Load(file)
	if mayMiss && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ps, err
}

// readPIN reads the PIN: twice and unseen from a terminal, else one line.
func readPIN(in io.Reader, prompt io.Writer) ([]byte, error) {
	f, ok := in.(*os.File)
	if !ok {
		return pinLine(in)
	}
	mode, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil { // no terminal
		return pinLine(in)
	}
	unseen := *mode
	unseen.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &unseen); err != nil {
		return nil, err
	}
	defer func() { _ = unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, mode) }()
	fmt.Fprint(prompt, "PIN: ")
	pin, err := pinLine(f)
	fmt.Fprintln(prompt)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(prompt, "again: ")
	again, err := pinLine(f)
	fmt.Fprintln(prompt)
	if err == nil && !bytes.Equal(pin, again) {
		err = errors.New("the two PINs differ")
	}
	clear(again)
	return pin, err
}

// pinLine reads one line, byte by byte: what stands behind it is not ours, and
// nothing of a PIN stays in a buffer.
func pinLine(in io.Reader) ([]byte, error) {
	line := make([]byte, 0, 64)
	for {
		one := line[len(line) : len(line)+1]
		n, err := in.Read(one)
		switch {
		case n == 1 && one[0] == '\n', err == io.EOF && len(line) > 0:
			return bytes.TrimSuffix(slices.Clip(line), []byte("\r")), nil
		case err == io.EOF:
			return nil, hinted{errors.New("no PIN came on the standard input"), "give it as one line"}
		case err != nil:
			return nil, err
		}
		line = line[:len(line)+n]
		if len(line) == cap(line) {
			return nil, errors.New("the line is longer than any PIN")
		}
	}
}
