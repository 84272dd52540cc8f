// Package signin holds nothing but tests: a sign-in with the e-signature card by
// kioskd's own room, its driver and profile, through the real PC/SC daemon, with
// the bench's card in a virtual reader. What a person sees of it is tested in the
// browser (kiosk-ui/e2e/terminal/signin*.test.js); here the card is pulled at every
// single exchange, and the process is asked what it has kept.
package signin
