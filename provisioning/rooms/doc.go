// Package rooms holds nothing but tests: what must be true of the repository as
// a whole, whoever changes it. Which room may import which (the arrows of the
// architecture run downward only), that every package tells its story, that
// files can be read in one sitting, and that no file speaks of the machine that
// it was written on. A failing test names the file and the rule.
package rooms
