package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// shownMessages is how many messages the demo's telephones keep.
const shownMessages = 50

// phones are the telephones of the demo's people: the only place where a one-time
// code stands as it was sent.
type phones struct {
	mu  sync.Mutex
	sms []centralapi.PhoneSMS // newest first
}

func (p *phones) send(to, text string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sms = slices.Insert(p.sms, 0, centralapi.PhoneSMS{To: to, Text: text, At: at})
	p.sms = p.sms[:min(len(p.sms), shownMessages)]
}

func (p *phones) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sms = nil
}

func (p *phones) messages() []centralapi.PhoneSMS {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]centralapi.PhoneSMS{}, p.sms...)
}

func (s *Server) phone() centralapi.Phone {
	p := centralapi.Phone{Sms: s.phones.messages(), Asan: []centralapi.PhoneRequest{}}
	for _, r := range s.desk.Requests(s.now()) {
		p.Asan = append(p.Asan, centralapi.PhoneRequest{Attempt: r.Attempt, Phone: r.Phone, ControlCode: r.ControlCode, State: r.State})
	}
	return p
}

// GetPhone is what the demo's people see on their telephones.
func (s *Server) GetPhone(context.Context, centralapi.GetPhoneRequestObject) (centralapi.GetPhoneResponseObject, error) {
	return centralapi.GetPhone200JSONResponse(s.phone()), nil
}

// PostPhone is what they do there.
func (s *Server) PostPhone(_ context.Context, r centralapi.PostPhoneRequestObject) (centralapi.PostPhoneResponseObject, error) {
	confirm := r.Body.Answer == "confirm"
	if !confirm && r.Body.Answer != "refuse" {
		return nil, refuse(centralapi.ProblemBodyInvalid, "")
	}
	if !s.desk.Answer(s.now(), r.Body.Attempt, confirm) {
		return nil, refuse(centralapi.ProblemNotFound, "no telephone waits for this answer")
	}
	return centralapi.PostPhone200JSONResponse(s.phone()), nil
}
