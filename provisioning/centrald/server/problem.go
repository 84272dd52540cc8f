package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// problem is an error that a client is told of (RFC 9457). Its texts are ours
// alone: nothing that was sent is ever repeated.
type problem struct{ centralapi.Problem }

func (p *problem) Error() string { return string(p.Type) + ": " + p.Title }

// kinds of problem: status, title, and whether the same request may succeed later.
var problems = map[centralapi.ProblemType]struct {
	status    int
	title     string
	retryable bool
}{
	centralapi.ProblemMalformed:         {400, "The request is not well-formed", false},
	centralapi.ProblemUnauthorised:      {401, "The terminal is not known", true},
	centralapi.ProblemForbidden:         {403, "The terminal may not do this", true},
	centralapi.ProblemNotFound:          {404, "There is no such path", false},
	centralapi.ProblemKindUnknown:       {404, "This kind is not known here", true},
	centralapi.ProblemActionUnknown:     {404, "This key has never arrived", true},
	centralapi.ProblemMethodNotAllowed:  {405, "The method is not allowed for this path", false},
	centralapi.ProblemHeadMismatch:      {409, "The batch does not follow what is here", false},
	centralapi.ProblemChainForked:       {409, "Another record has this number", false},
	centralapi.ProblemActionRunning:     {409, "The action is still running", true},
	centralapi.ProblemTooLarge:          {413, "The body is too large", false},
	centralapi.ProblemUnsupportedMedia:  {415, "The content type is not that of the contract", false},
	centralapi.ProblemUnsupportedCoding: {415, "The content coding is not supported", false},
	centralapi.ProblemBodyInvalid:       {422, "The body is not valid for this kind; nothing was done", false},
	centralapi.ProblemRecordInvalid:     {422, "A record is not valid; nothing was stored", false},
	centralapi.ProblemChainBroken:       {422, "The hashes do not fit the records; nothing was stored", false},
	centralapi.ProblemKeyReused:         {422, "The key was used with another body", false},
	centralapi.ProblemCodeRefused:       {403, "The code is not valid here", false},
	centralapi.ProblemTooMany:           {429, "Too many tries; wait", true},
	centralapi.ProblemBusy:              {503, "Central is busy", true},
	centralapi.ProblemInternal:          {500, "Central has failed", true},
}

func refuse(t centralapi.ProblemType, detail string) *problem {
	k := problems[t]
	p := &problem{centralapi.Problem{Type: t, Title: k.title, Status: k.status, Retryable: k.retryable}}
	if detail != "" {
		p.Detail = &detail
	}
	return p
}

func (p *problem) withHead(h centralapi.Head) *problem { p.Head = &h; return p }

func (p *problem) withSeq(seq uint64) *problem { p.Seq = &seq; return p }

func writeProblem(w http.ResponseWriter, p centralapi.Problem) {
	b, err := json.Marshal(p)
	if err != nil {
		panic("server: a problem document cannot be written: " + err.Error())
	}
	w.Header().Set("Content-Type", centralapi.MediaProblem)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // the client may have gone; it will ask again
}

// badRequest answers what the generated code could not read.
func (s *Server) badRequest(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &tooLong):
		p = refuse(centralapi.ProblemTooLarge, "")
	default:
		p = refuse(centralapi.ProblemMalformed, "")
	}
	writeProblem(w, p.Problem)
}

// failed answers an error of a handler.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		s.log.Error("request failed", "path", routeOf(r), "err", err)
		p = refuse(centralapi.ProblemInternal, "")
	}
	writeProblem(w, p.Problem)
}

// routeOf names a request in the log without ids or keys.
func routeOf(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	return r.Method
}

// noSuchPath answers what no route of the contract matches, and tells a wrong
// method from a wrong path.
func (s *Server) noSuchPath(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(probe); pattern != "/" && pattern != "" {
			allow = append(allow, m)
		}
	}
	if len(allow) == 0 {
		writeProblem(w, refuse(centralapi.ProblemNotFound, "").Problem)
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeProblem(w, refuse(centralapi.ProblemMethodNotAllowed, "").Problem)
}
