// Package paneltest is the conformance suite of the panel family: what every
// driver must hold, whatever board it drives.
//
// The suite does what hands do in a cabinet: it moves contacts, cuts and shorts
// cables, pulls the board's plug, and looks at the lamps. It knows lines and
// levels only; that a door is open is worked out here a second time, from the
// wiring, and not asked of the driver. Everything runs in virtual time
// (testing/synctest), so a Subject uses channels, timers and memory only.
//
//   - Found comes first, has every input, and tells what is so now.
//   - A change is told once, within Soon; bounces and short pulses are not told.
//   - A cut and a shorted cable of a supervised input are faults, and a contact
//     that chatters is told as one fault and no more.
//   - A lost board is told once; what changed meanwhile is in the next Found, and
//     the lamps shine again as they were told to.
//   - No lamp flashes more than three times a second; at start all are dark.
//   - A driver ends with its context, with nothing left running.
package paneltest
