package central

import "time"

// Ping is the end of a question that a technician asked: whether central answers.
type Ping struct {
	OK      bool
	Seq     uint64 // OK: the last record that central holds
	Problem string // not OK: the Reply's
}

// Ping asks central for its place now, whatever the pace of the probes. Pinged
// brings the end; a probe that is under way counts for it.
func (c *Courier) Ping(now time.Time) Out {
	c.pinging, c.pinged = true, nil
	c.health.probe = now
	return c.run(now)
}

// Pinged hands out the end of Ping, once; nil before it.
func (c *Courier) Pinged() *Ping {
	p := c.pinged
	c.pinged = nil
	return p
}

// answerPing takes what a head's reply says for who asked.
func (c *Courier) answerPing(r Reply) {
	if !c.pinging {
		return
	}
	c.pinging = false
	p := Ping{Problem: r.Problem}
	if r.Class == ReplyOK && r.Head != nil {
		p = Ping{OK: true, Seq: r.Head.Seq}
	} else if p.Problem == "" {
		p.Problem = string(r.Class)
	}
	c.pinged = &p
}
