// Package vpcd puts virtual smart cards into readers of a real PC/SC daemon, so
// that whoever uses the readers meets the real library, the real daemon and its
// real timing, and only the card is made up.
//
// # The card's side
//
// vpcd, the reader driver of the vsmartcard project, is a server on a TCP port for
// each slot; the card is its client. A connection is a card that was put in, a
// closed one a card that was taken out. Every message, in both directions, is two
// bytes of length (big-endian) and that many bytes; the reader speaks first. Serve
// answers for a Card. Debian 12's driver (3.3) sends a message's length and its
// body in two writes without TCP_NODELAY, so that the body waits until the length
// was acknowledged: 44 ms for each command, unless the card's side acknowledges at
// once (TCP_QUICKACK, which the kernel takes back and which is therefore set before
// every read).
//
// # A daemon of one's own
//
// vpcd listens on all addresses of the machine, and pcscd has one socket and one
// file with its process number for the whole machine. Start therefore holds pcscd
// in namespaces of its own (user, network, mount, process numbers; namespaces(7)):
//
//   - its network is a loopback interface that nobody else can reach; connections
//     to the slots are opened inside and handed out as open descriptors
//     (SCM_RIGHTS, unix(7)), so that a command costs what it costs on loopback;
//   - its /run is empty, so that it neither finds nor deletes another pcscd's files;
//   - it sees no driver but vpcd's, and so takes no reader of this machine;
//   - it ends with its first process, which ends with the one that started it,
//     however that ended.
//
// Its clients' socket is handed to it as systemd would (sd_listen_fds(3)); clients
// find it by the environment variable PCSCLITE_CSOCK_NAME. No privilege is needed:
// an ordinary user is root inside.
//
// The first process inside is the calling program itself, started again. Its main
// function (and the TestMain of tests) begins with
//
//	if vpcd.Inside() {
//		os.Exit(vpcd.Hold())
//	}
package vpcd
