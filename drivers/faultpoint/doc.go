// Package faultpoint names the places at which the crash campaign may kill the
// terminal. A point is declared once, as a package variable, beside the code it
// guards:
//
//	var stackedDurable = faultpoint.New("till.stacked.durable")
//	...
//	stackedDurable.Hit()
//
// In an ordinary build New and Hit compile to nothing and no name reaches the
// binary. With the build tag "faultpoints" the registry knows every point (the
// campaign takes its list from there, never from a copy), a simulator can
// install a hook, and a real process can be told by its environment to kill
// itself at the n-th hit of a point:
//
//	KIOSK_FAULTPOINT=till.stacked.durable:1
//
// A Loop names a goroutine that goes round for ever, at the place where it says so.
// Told by its environment to stall,
//
//	KIOSK_FAULTPOINT=acceptor:1:stall
//
// a process lets this loop stand still for ever at its n-th turn after SIGUSR1: the
// watchdog has to see that.
//
// Mutants are deliberate mistakes that exist only in such builds; the campaign
// plants each of them and must then fail, which shows that it can.
package faultpoint
