// Command bench holds a terminal's devices on a machine that has none: a
// banknote validator, a receipt printer and the I/O board of doors and lamps
// behind pseudo-terminals, smart-card readers with cards to put into them behind a
// real PC/SC daemon, and a network cable that can be pulled. It is the witness of
// what truly happened: it owns the notes in the cassette, the paper in the tray and
// the tries left of every PIN, shares no code with the drivers it is used to test,
// and outlives a daemon that is killed.
//
//	bench --dir DIR --listen 127.0.0.1:8481 --central 127.0.0.1:8443
//
// The devices are found at DIR/dev/validator, DIR/dev/printer and DIR/dev/panel,
// links to the slave sides. Unplugging removes the link and hangs up; plugging in
// makes a new pseudo-terminal under the same name. The physical world (cassette,
// hand, bags, the unit's counter and memory, paper, strips, doors) is kept in
// DIR/bench.json and DIR/strips, so that the bench itself may be started again;
// its devices take that for a power cut. It is written behind the devices' backs: a
// disk that is slow holds up no device, and what a bench that is killed did in its
// last moments may be missing. DIR/addresses.json holds the addresses it listens on.
//
// The card readers belong to a PC/SC daemon of the bench's own (package vpcd),
// which nothing but DIR/pcscd.comm leads to: a client has the environment variable
// PCSCLITE_CSOCK_NAME set to that path. Two readers are listed: "Virtual Reader 00
// 00" is the slot for cards, "Virtual Reader 00 01" the port for a USB token. The
// cards are those of package wallet, made once and kept in DIR/wallet; what their
// issuers publish, for central to trust and to check, is in DIR/trust. A machine on
// which there can be no such daemon has a bench without readers that says why.
//
// The page at / is for a person, the interface below for tests.
//
// # Interface
//
// JSON over HTTP on loopback. The Host header must name the address the bench
// listens on, an Origin header must be the bench's own, and bodies must be
// application/json. Errors are {"error": "..."}; an unknown action is 400 with
// "allowed", an action that is impossible now is 409 and changes nothing. Times
// are microseconds since 1970 by the bench's clock ("us").
//
//	GET  /api/state     everything: "us", "validator" (State of package validator,
//	                    with "cassette_total" by currency and "cassette_count" by
//	                    denomination), "printer" (State of package paperprinter),
//	                    "panel" (State of package ioboard),
//	                    "strips" (newest first), "network", "central", "screen_url",
//	                    "ports" (paths of the devices), "pcscd" (whether it runs, its
//	                    socket), "readers" (what is in them), "cards" (holder, where,
//	                    PINs and tries left, whether a PIN is verified right now, how many
//	                    commands they got), "authority" (the certificates' standing),
//	                    "events" (the latest)
//	POST /api/notes     {"denomination": 5, "currency": "AZN", "quality": "good",
//	                    "kind": "genuine", "code": 0, "in_cassette": false,
//	                    "hold_out": false}: a new note at the slot. denomination
//	                    counts whole units. {"serial": "N000001", ...} pushes a note
//	                    from the customer's hand in again. The answer names the
//	                    note and says whether the unit drew it in: {"note": ...,
//	                    "taken": true}
//	POST /api/validator {"action": "...", ...}: an action of package validator by
//	                    its name, with its fields
//	POST /api/printer   {"action": "...", ...}: likewise of package paperprinter
//	POST /api/panel     {"action": "open_service_door"}: likewise of package
//	                    ioboard; the page has doors, safe, cassette switch, tamper
//	                    loop and cable. The cassette's switch follows the cassette
//	                    of the validator, and can be moved by itself
//	POST /api/network   {"mode": "on" | "off" | "blackhole" | "slow", "delay_ms": n,
//	                    "bytes_per_s": n}: off closes and refuses, blackhole accepts
//	                    and lets no byte through, slow delays each piece
//	POST /api/central   {"mode": "normal" | "slow" | "fail" | "drop_answer",
//	                    "delay_ms": n, "status": n, "count": n}: passed on to
//	                    PUT {central}/demo/v1/behaviour
//	GET  /api/central   GET {central}/demo/v1/state, as it is
//	POST /api/card      {"action": "...", "card": "...", "reader": "slot" | "token"};
//	                    without "reader" the one that the card fits into, without
//	                    "card" the one that is in the reader. Answers with "pcscd",
//	                    "readers" and "cards" as in the state.
//	    insert          and "upside_down": true for the wrong way up
//	    remove
//	    swap            out with the one that is in, in with this one, as fast as a
//	                    hand can: the reader is empty for a second
//	    upside_down     insert it the wrong way up, or turn the one that is in
//	    fault           {"kind": "drop" | "silence" | "garble" | "delay" | "reset" |
//	                    "status-words" | "bit-flip" | "wrong-key", "at": n, "for": n,
//	                    "ins": "2A", "delay_ms": n, "sw": ["6F00"]}: a Fault of package
//	                    signcard. "drop" at n pulls the card at the n-th command from
//	                    now, "silence" leaves commands without an answer until the
//	                    card is taken out
//	    clear_faults
//	    tries           {"pin1": n, "pin2": n, "puk": n}: sets the tries left
//	POST /api/pcscd     {"action": "kill" | "start"}: the PC/SC daemon dies as in a
//	                    crash, or is started. Cards stay in and are found again
//	POST /api/authority {"action": "revoke" | "suspend" | "resume", "card": "..."}: what
//	                    the issuer of the card's certificates publishes about them. A
//	                    revoked one stays revoked (409)
//	GET, POST /pki/...  what the issuers publish and answer (Handler of package
//	                    authority): lists, certificates, and OCSP at /pki/ocsp
//	GET  /api/phone     the citizen's telephone: GET {central}/demo/v1/phone, as it is
//	POST /api/phone     {"attempt": "...", "answer": "confirm" | "refuse"}: passed on to
//	                    POST {central}/demo/v1/phone
//	GET  /api/strips/{n}.png | .pbm | .bin
//	                    a strip's picture, or the bytes that made it; n may be
//	                    "hanging" for what is not cut off yet (not .bin)
//	GET  /api/events    Server-Sent Events, one JSON object each, from now on, or
//	                    after Last-Event-ID. ?frames=1 adds every frame
//	POST /api/reset     {}: empties cassette, hand, bags, strips, the paper path and
//	                    the readers; cards get their tries back, and what was revoked
//	                    stays revoked. 409 while a note lies in the validator's path
//
// An event has "seq", "us", "source" (validator, printer, panel, network, central,
// reader, authority, bench), "kind" and what belongs to it. Kinds of the devices are those of their
// packages. "stacked_sent" of the validator is published after the last byte of an
// 81h frame has been written to the line, with the frame's number in "frame":
// "us" is read after the write. Kinds of the readers are card_in, card_out, tries
// (a PIN's counter has changed), fault, service (up, down), and, for those who ask
// for frames, command: "card", "reader", its instruction in "code", its length in
// "n" (of a command that carries a PIN not even that) and the status word in
// "data"; never what was said.
package main
