package server

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// CodeMade is a new code, as the operator's program gets it.
type CodeMade struct {
	Code    string    `json:"code"`
	Root    string    `json:"root_sha256"` // hexadecimal
	Expires time.Time `json:"expires"`
}

// TerminalRow is a terminal as the operator sees it.
type TerminalRow struct {
	Terminal string    `json:"terminal"`
	Site     string    `json:"site"`
	Model    string    `json:"model"`
	Enrolled time.Time `json:"enrolled"`
	NotAfter time.Time `json:"not_after"`
	Blocked  bool      `json:"blocked"`
}

// Operator is what an operator may do, for a Unix socket that only he can open:
//
//	POST /codes                       CodeOrder -> CodeMade
//	GET  /terminals                   -> []TerminalRow
//	POST /terminals/{id}/block        and unblock
//
// An answer that is not 200 is {"error": "..."}.
func (s *Server) Operator() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /codes", s.postCode)
	mux.HandleFunc("GET /terminals", s.getTerminals)
	mux.HandleFunc("POST /terminals/{id}/{act}", s.postBlock)
	return mux
}

func (s *Server) postCode(w http.ResponseWriter, r *http.Request) {
	var o CodeOrder
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<10))
	if err == nil {
		err = json.Unmarshal(raw, &o)
	}
	if err != nil {
		operatorAnswer(w, http.StatusBadRequest, map[string]string{"error": "the order cannot be read"})
		return
	}
	text, expires, err := s.NewCode(o)
	if err != nil {
		operatorAnswer(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	sum := s.o.Authority.RootSum()
	operatorAnswer(w, http.StatusOK, CodeMade{Code: text, Root: hex.EncodeToString(sum[:]), Expires: expires})
}

func (s *Server) getTerminals(w http.ResponseWriter, _ *http.Request) {
	rows := []TerminalRow{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return each(tx.Bucket(bTerminals), func(k []byte, t terminal) {
			rows = append(rows, TerminalRow{Terminal: string(k), Site: t.Site, Model: t.Model, Enrolled: t.Enrolled, NotAfter: t.NotAfter, Blocked: t.Blocked})
		})
	})
	if err != nil {
		operatorAnswer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	operatorAnswer(w, http.StatusOK, rows)
}

func (s *Server) postBlock(w http.ResponseWriter, r *http.Request) {
	act := r.PathValue("act")
	if act != "block" && act != "unblock" {
		operatorAnswer(w, http.StatusNotFound, map[string]string{"error": "there is no such act"})
		return
	}
	known, err := s.Block(r.PathValue("id"), act == "block")
	switch {
	case err != nil:
		operatorAnswer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
	case !known:
		operatorAnswer(w, http.StatusNotFound, map[string]string{"error": "no such terminal was enrolled"})
	default:
		operatorAnswer(w, http.StatusOK, map[string]string{})
	}
}

// Block shuts a terminal out, or lets it in again, from its next request on.
func (s *Server) Block(id string, blocked bool) (known bool, err error) {
	if !enrol.ValidTerminal(id) {
		return false, nil
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		t, ok, err := get[terminal](tx.Bucket(bTerminals), []byte(id))
		if known = ok; err != nil || !ok {
			return err
		}
		t.Blocked = blocked
		return put(tx.Bucket(bTerminals), []byte(id), t)
	})
	if err == nil && known {
		s.log.Warn("a terminal was blocked or unblocked", "terminal", id, "blocked", blocked)
	}
	return known, err
}

func operatorAnswer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}
