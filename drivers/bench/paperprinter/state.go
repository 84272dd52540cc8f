package paperprinter

// State is what an onlooker sees.
type State struct {
	Power     bool   `json:"power"`
	Booting   bool   `json:"booting"`
	Plugged   bool   `json:"plugged"`
	Condition string `json:"condition"` // "ready", or what is wrong, in words
	Offline   bool   `json:"offline"`
	Busy      bool   `json:"busy"` // XOFF is out
	CoverOpen bool   `json:"cover_open"`
	PaperLow  bool   `json:"paper_low"`
	PaperEnd  bool   `json:"paper_end"`
	RollLeft  int    `json:"roll_left"` // rows
	Hanging   int    `json:"hanging"`   // rows past the cutter
	Blocked   bool   `json:"cutter_blocked"`
	Jammed    bool   `json:"jammed"`
	Broken    bool   `json:"broken"`
	Hot       bool   `json:"hot"`
	Buffered  int    `json:"buffered"` // bytes in the receive buffer
	Backlog   int    `json:"backlog"`  // bytes on the line
	Arrived   uint64 `json:"arrived"`  // bytes that ever arrived
	Cuts      uint32 `json:"cuts"`
	Rows      uint64 `json:"rows"`
	PowerUps  uint32 `json:"power_ups"`
	Strips    int    `json:"strips"`
}

// State describes the printer.
func (p *Printer) State() State {
	return State{
		Power: p.power, Booting: p.booting, Plugged: p.plugged,
		Condition: p.condition(), Offline: p.offline(), Busy: p.busy,
		CoverOpen: p.w.CoverOpen, PaperLow: p.nearEnd(), PaperEnd: p.paperEnd(),
		RollLeft: max(p.w.RollLeft, 0), Hanging: max(len(p.w.Path)/p.stride()-p.cfg.HeadToCutter, 0),
		Blocked: p.w.CutterBlocked, Jammed: p.w.Jammed, Broken: p.w.Broken, Hot: p.hot(),
		Buffered: p.cfg.Buffer - p.free(), Backlog: len(p.line), Arrived: p.arrived,
		Cuts: p.w.Cuts, Rows: p.w.Rows, PowerUps: p.w.PowerUps, Strips: p.w.Strips,
	}
}
