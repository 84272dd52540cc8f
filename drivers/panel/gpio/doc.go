// Package gpio drives the contacts and lamps of a cabinet over GPIO lines of the
// machine itself, through Linux's GPIO character device (periph.io/x/host,
// gpioioctl; docs.kernel.org, "GPIO Character Device Userspace API", version 2).
//
// All lines are on one chip and are named as the kernel names them (device tree or
// ACPI; gpioinfo lists them): numbers move when a kernel or a board does. Inputs
// have the chip's pull-up and edges of both kinds; they are read as one group, in
// one call that fails when the chip is gone, where a single line's Read would
// answer "low".
//
// An edge wakes the driver and is not believed by itself: the lines are read, and
// read again every panel.QuickSample while a contact moves. They are read every
// Config.Poll without any edge too, so that an edge that the kernel's queue had no
// room for is found.
//
// Not shown on this code's own bench: real lines. The group of gpioioctl is used
// by its documented interface (periph.io/x/conn/v3/gpio.Group), and tests run over
// periph's own fake pins (gpiotest).
package gpio
