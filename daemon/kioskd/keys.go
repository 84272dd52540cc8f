package main

import (
	"crypto/ed25519"
	"log/slog"
	"slices"
	"sync"

	"github.com/asan-kiosk/kiosk/daemon/journal"
)

// keyring holds what the terminal signs with: slips here, checkpoints in the
// journal. When the tamper loop breaks both forget it: slips are printed with an
// empty signature, the journal goes on without checkpoints, and what an intruder
// reads out of the memory cannot make a receipt. It comes back when two people have
// cleared the alarm.
//
// What this is worth depends on where the key comes from. A file on the same disk is
// within reach of whoever holds the disk, so it is worth as much as the disk's
// encryption; with a key that the service manager unseals (LoadCredentialEncrypted) or
// that never leaves a TPM it is worth more. What is wiped is every copy that the
// program keeps; the text that the file was read as is left to the collector. A daemon that starts while the alarm
// stands reads the key to open the journal, which checks its last checkpoint, and
// drops it before it serves anybody.
type keyring struct {
	load    func() (ed25519.PrivateKey, error) // from where it is kept
	journal *journal.Journal
	log     *slog.Logger

	mu  sync.Mutex
	key ed25519.PrivateKey // nil: dropped
}

// Sign signs, or gives nothing when the key was dropped. The screen and the slips
// ask from one goroutine; the lock is for those who drop it.
func (k *keyring) Sign(b []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == nil {
		return nil
	}
	return ed25519.Sign(k.key, b)
}

func (k *keyring) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.key)
	k.key = nil
	k.journal.DropKey()
	k.log.Warn("the signing key was wiped from memory: the tamper alarm stands; slips are not signed and the journal makes no checkpoints")
}

func (k *keyring) restore() error {
	key, err := k.load()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.journal.SetKey(key); err != nil {
		return err
	}
	k.key = slices.Clone(key)
	clear(key)
	k.log.Info("the signing key is back")
	return nil
}
