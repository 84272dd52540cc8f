// Package printertest is the conformance suite of the printer family: what every
// driver must hold, whatever its protocol, against a virtual printer that can be
// told to fail.
//
// Thermal is that printer: it speaks ESC/POS as the manuals say a printer does,
// shares no code with a driver, and knows what no driver can know: which rows
// are on which piece of paper, and whether it was cut. World joins it to a
// driver's state machine over a line of a given speed, in virtual time and in one
// goroutine, so that a run is repeated exactly. Suite states the rules:
//
//   - Printed: one piece of paper holds the whole picture and nothing else, and
//     it was cut off.
//   - NotPrinted: no black row of the picture is on any paper.
//   - Every job ends in exactly one verdict, in time, and a driver never prints a
//     job by itself a second time.
//   - Whatever has failed, once the faults are gone a later job is Printed.
//   - Every byte that came in was classified, none was sent faster than the line
//     carries, and none ahead of it by more than 256.
package printertest
