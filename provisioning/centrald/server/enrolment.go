package server

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// terminal is a machine that was enrolled. Blocking it is a row here and no list
// of revoked certificates: it counts from the next request on.
type terminal struct {
	Site      string               `json:"site"`
	Model     string               `json:"model"`
	Enrolled  time.Time            `json:"enrolled"`
	NotAfter  time.Time            `json:"not_after"`
	Blocked   bool                 `json:"blocked,omitempty"`
	RunKey    []byte               `json:"run_key"`
	Inventory centralapi.Inventory `json:"inventory"`
}

// What a terminal and an address may do in a span of time.
const (
	wrongCodes     = 5
	wrongCodesSpan = time.Hour
	renewals       = 48 // hourly tries whose answers were lost, and as many again
	renewalsSpan   = 24 * time.Hour
)

// GetRoot is the root certificate.
func (s *Server) GetRoot(ctx context.Context, _ centralapi.GetRootRequestObject) (centralapi.GetRootResponseObject, error) {
	if _, ok := peerOf(ctx); !ok {
		return nil, refuse(centralapi.ProblemNotFound, "")
	}
	der := s.o.Authority.Root()
	return centralapi.GetRoot200ApplicationpkixCertResponse{Body: bytes.NewReader(der), ContentLength: int64(len(der))}, nil
}

// errCode is the one answer to every code that is not good now: what is wrong with
// it is nobody's business who does not have a good one.
func errCode() error { return refuse(centralapi.ProblemCodeRefused, "") }

// PostEnrolment exchanges a one-time code for certificates. The code is spent in
// the transaction that issues.
func (s *Server) PostEnrolment(ctx context.Context, r centralapi.PostEnrolmentRequestObject) (centralapi.PostEnrolmentResponseObject, error) {
	from, ok := peerOf(ctx)
	if !ok {
		return nil, refuse(centralapi.ProblemNotFound, "")
	}
	if wait := s.wrongCodes(from.address, false); wait > 0 {
		return tooMany(wait), nil
	}
	o := *r.Body
	csr, err := authority.ParseRequest(o.Csr)
	if err != nil {
		return nil, refuse(centralapi.ProblemBodyInvalid, err.Error())
	}
	sum := sha256.Sum256(csr.Raw)
	if len(o.RunKey) != ed25519.PublicKeySize || !ed25519.Verify(o.RunKey, enrol.RunProof(sum), o.RunProof) {
		return nil, refuse(centralapi.ProblemBodyInvalid, "the signing key does not prove itself")
	}
	if tooLong(o.Inventory) {
		return nil, refuse(centralapi.ProblemBodyInvalid, "the inventory is too long")
	}
	var answer *centralapi.Enrolled
	if raw, err := readCode(o.Code); err == nil {
		err = s.db.Update(func(tx *bolt.Tx) (err error) {
			answer, err = s.exchange(tx, codeKey(raw), csr.Raw, o)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if answer == nil {
		s.wrongCodes(from.address, true)
		s.log.Warn("a code was refused", "address", from.address)
		return nil, errCode()
	}
	return centralapi.PostEnrolment201JSONResponse(*answer), nil
}

func tooLong(i centralapi.Inventory) bool {
	for _, p := range []*string{i.Model, i.KeyProtection, i.Software, i.Machine} {
		if len(deref(p)) > 64 {
			return true
		}
	}
	return false
}

// exchange spends a code; no answer means that it is refused, and that is counted.
func (s *Server) exchange(tx *bolt.Tx, key, csr []byte, o centralapi.Enrolment) (*centralapi.Enrolled, error) {
	codes, now := tx.Bucket(bCodes), s.now()
	c, known, err := get[code](codes, key)
	if err != nil || !known {
		return nil, err
	}
	request := digest(csr, []byte(hex.EncodeToString(o.RunKey)))
	switch m := deref(o.Inventory.Model); {
	case c.over(now), c.Refused >= codeRefused, m != "" && m != c.Model:
	case c.Spent == nil:
		answer, err := s.enrolTerminal(tx, c, o, now)
		if err != nil {
			return nil, err
		}
		c.Spent = &spent{At: now, Request: request, Answer: answer}
		return &answer, put(codes, key, c)
	case c.Spent.Request == request:
		return &c.Spent.Answer, nil
	}
	c.Refused++
	return nil, put(codes, key, c)
}

func (s *Server) enrolTerminal(tx *bolt.Tx, c code, o centralapi.Enrolment, now time.Time) (a centralapi.Enrolled, err error) {
	id := c.Terminal
	if id == "" {
		if id, err = s.newUUID(); err != nil {
			return a, err
		}
	}
	csr, err := authority.ParseRequest(o.Csr)
	if err != nil {
		return a, err
	}
	chain, notAfter, err := s.o.Authority.Terminal(id, csr)
	if err != nil {
		return a, fmt.Errorf("certificate: %w", err)
	}
	run, err := s.o.Authority.Run(id, o.RunKey)
	if err != nil {
		return a, fmt.Errorf("certificate of the signing key: %w", err)
	}
	old, _, err := get[terminal](tx.Bucket(bTerminals), []byte(id))
	if err != nil {
		return a, err
	}
	err = put(tx.Bucket(bTerminals), []byte(id), terminal{Site: c.Site, Model: c.Model, Enrolled: now, NotAfter: notAfter,
		Blocked: old.Blocked, RunKey: o.RunKey, Inventory: o.Inventory})
	if err != nil {
		return a, err
	}
	s.log.Info("a terminal was enrolled", "terminal", id, "site", c.Site, "model", c.Model)
	return centralapi.Enrolled{Terminal: id, Site: c.Site, Model: c.Model, Certificates: chain, RunCertificate: run}, nil
}

// newUUID is a random UUID (RFC 9562 section 5.4).
func (s *Server) newUUID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.o.Rand, b[:]); err != nil {
		return "", fmt.Errorf("identity: %w", err)
	}
	b[6] = b[6]&0x0f | 4<<4    // version 4
	b[8] = b[8]&0x3f | 0b10<<6 // variant
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// PostCertificate issues the next certificate under the current one.
func (s *Server) PostCertificate(ctx context.Context, r centralapi.PostCertificateRequestObject) (centralapi.PostCertificateResponseObject, error) {
	from, ok := peerOf(ctx)
	if !ok {
		return nil, refuse(centralapi.ProblemNotFound, "")
	}
	if from.terminal != r.Id { // the door has compared them; this path must not depend on it
		return nil, refuse(centralapi.ProblemForbidden, "")
	}
	s.mu.Lock()
	wait := s.renewing.left(s.now(), r.Id)
	if wait == 0 {
		s.renewing.count(s.now(), r.Id)
	}
	s.mu.Unlock()
	if wait > 0 {
		return tooMany(wait), nil
	}
	csr, err := authority.ParseRequest(r.Body.Csr)
	if err != nil {
		return nil, refuse(centralapi.ProblemBodyInvalid, err.Error())
	}
	if from.expired && !from.sameKey(csr.PublicKey) {
		return nil, refuse(centralapi.ProblemForbidden, "a certificate that ran out is renewed for its own key alone")
	}
	chain, notAfter, err := s.o.Authority.Terminal(r.Id, csr)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		t, known, err := get[terminal](tx.Bucket(bTerminals), []byte(r.Id))
		if err != nil || !known {
			return errors.Join(err, errors.New("the terminal has gone"))
		}
		t.NotAfter = notAfter
		return put(tx.Bucket(bTerminals), []byte(r.Id), t)
	})
	if err != nil {
		return nil, err
	}
	return centralapi.PostCertificate201JSONResponse{Certificates: chain}, nil
}

// wrongCodes counts one more wrong code of an address, or says how long it has to
// wait.
func (s *Server) wrongCodes(address string, more bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if more {
		s.guessing.count(s.now(), address)
		return 0
	}
	return s.guessing.left(s.now(), address)
}

// tooMany is the answer 429 with the time to wait.
type tooMany time.Duration

func (t tooMany) write(w http.ResponseWriter) error {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(time.Duration(t).Seconds()))))
	writeProblem(w, refuse(centralapi.ProblemTooMany, "").Problem)
	return nil
}

// VisitPostEnrolmentResponse writes it for an enrolment.
func (t tooMany) VisitPostEnrolmentResponse(w http.ResponseWriter) error { return t.write(w) }

// VisitPostCertificateResponse writes it for a renewal.
func (t tooMany) VisitPostCertificateResponse(w http.ResponseWriter) error { return t.write(w) }
