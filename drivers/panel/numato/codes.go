package numato

// Words of the command set (M, "The Command Set").
const (
	cmdVersion   = "ver"
	cmdID        = "id get"
	cmdReadAll   = "gpio readall"
	cmdNotifyOn  = "gpio notify on"
	cmdMask      = "gpio iomask"   // a 1 lets iodir and writeall through to the channel
	cmdDirection = "gpio iodir"    // a 1 makes the channel an input
	cmdWriteAll  = "gpio writeall" // a 1 sets the channel high

	endOfCommand = '\r'
	prompt       = '>'
	notification = '#' // begins what nobody asked for: levels now, levels before, directions

	notifies = "gpio notify enabled" // the answer of a module that has notifications
)
