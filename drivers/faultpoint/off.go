//go:build !faultpoints

package faultpoint

// Enabled reports whether this build carries fault points.
const Enabled = false

// Point is one named place. It is empty in an ordinary build.
type Point struct{}

// New declares a point.
func New(string) Point { return Point{} }

// Hit marks that execution has come to the point.
func (Point) Hit() {}

// Loop is one named loop. It is empty in an ordinary build.
type Loop struct{}

// NewLoop declares a loop.
func NewLoop(string) Loop { return Loop{} }

// Turn marks that the loop has got round.
func (Loop) Turn() {}

// Mutant is a deliberate mistake that only a test build can make.
type Mutant struct{}

// NewMutant declares a mutant.
func NewMutant(string) Mutant { return Mutant{} }

// Planted reports whether the mistake is to be made: never, in this build.
func (Mutant) Planted() bool { return false }
