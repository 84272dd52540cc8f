package server

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/signin"
)

// citizen is a person as central knows him.
type citizen struct {
	FIN      string                  `json:"fin"`
	Name     string                  `json:"name"`
	Password string                  `json:"password,omitempty"` // PHC string
	Phone    string                  `json:"phone,omitempty"`
	UserID   string                  `json:"user_id,omitempty"`
	Silent   bool                    `json:"silent,omitempty"` // the telephone has no coverage
	Payments []centralapi.CabinetRow `json:"payments,omitempty"`
	Accesses []centralapi.CabinetRow `json:"accesses,omitempty"`
}

func (a citizen) person() identity.Person { return identity.Person{FIN: a.FIN, Name: a.Name} }

func citizenOf(tx *bolt.Tx, fin string) (citizen, bool, error) {
	a, ok, err := get[citizen](tx.Bucket(bCitizens), []byte(fin))
	if err != nil {
		return a, false, fmt.Errorf("citizen: %w", err)
	}
	return a, ok, nil
}

// citizenByPhone finds the account whose telephone it is.
func citizenByPhone(tx *bolt.Tx, phone string) (citizen, bool, error) {
	fin := tx.Bucket(bPhones).Get([]byte(phone))
	if fin == nil {
		return citizen{}, false, nil
	}
	return citizenOf(tx, string(fin))
}

func putCitizen(tx *bolt.Tx, a citizen) error {
	if a.Phone != "" {
		if err := tx.Bucket(bPhones).Put([]byte(a.Phone), []byte(a.FIN)); err != nil {
			return fmt.Errorf("telephone: %w", err)
		}
	}
	if err := put(tx.Bucket(bCitizens), []byte(a.FIN), a); err != nil {
		return fmt.Errorf("citizen: %w", err)
	}
	return nil
}

// register gives a person whose certificate was proved an account, if there is none.
// A name that central has already stands.
func register(tx *bolt.Tx, p identity.Person) (citizen, error) {
	a, ok, err := citizenOf(tx, p.FIN)
	if err != nil || ok {
		return a, err
	}
	a = citizen{FIN: p.FIN, Name: p.Name}
	return a, putCitizen(tx, a)
}

// tie is whose a session was: what a terminal reports of it may come hours later,
// when the session is long forgotten. It is found by the session's hash.
type tie struct {
	FIN      string    `json:"fin"`
	Terminal string    `json:"terminal"`
	Method   string    `json:"method"`
	Level    string    `json:"level"`
	At       time.Time `json:"at"`
}

// tiedFor is how long a report may be under way: a terminal may be offline for 30
// days.
const tiedFor = 40 * 24 * time.Hour

// sessionKey is a session's id as it may be written down.
func sessionKey(id string) []byte { return []byte(digest([]byte(id))) }

func putTie(tx *bolt.Tx, s signin.Session, now time.Time) error {
	t := tie{FIN: s.Person.FIN, Terminal: s.Terminal, Method: s.Method, Level: s.Level, At: now}
	if err := put(tx.Bucket(bTies), sessionKey(s.ID), t); err != nil {
		return fmt.Errorf("session's owner: %w", err)
	}
	return nil
}

// dropTies forgets whose the sessions were that nobody reports on any more.
func (s *Server) dropTies(tx *bolt.Tx) error {
	var old [][]byte
	b := tx.Bucket(bTies)
	err := each(b, func(k []byte, t tie) {
		if s.now().Sub(t.At) > tiedFor {
			old = append(old, append([]byte(nil), k...))
		}
	})
	if err != nil {
		return err
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return fmt.Errorf("session's owner: %w", err)
		}
	}
	return nil
}

// demoCitizens are made up: no FIN, name or number belongs to anybody.
func demoCitizens(now time.Time) []citizen {
	ago := func(days, hour int) time.Time {
		y, m, d := now.AddDate(0, 0, -days).Date()
		return time.Date(y, m, d, hour, 12*hour%60, 0, 0, time.UTC)
	}
	paid := func(at time.Time, title, detail string, minor int64, code string) centralapi.CabinetRow {
		sum := money.New(minor, money.AZN)
		return centralapi.CabinetRow{Title: title, Detail: detail, At: at, Amount: &sum, Code: &code}
	}
	asked := func(at time.Time, who, what string) centralapi.CabinetRow {
		return centralapi.CabinetRow{Title: who, Detail: what, At: at}
	}
	return []citizen{
		{
			FIN: "5ABC3T7", Name: "AYSEL NÜMUNƏ", Phone: "+994501234567", UserID: "12345",
			Password: "$argon2id$v=19$m=19456,t=2,p=1$ZGVtbyBzYWx0IFNhbGFtMQ$AItPMYVcQ4/XbflkrPwJTILGlDjAnQGifLKKeqIHEgw", // Salam123!
			Payments: []centralapi.CabinetRow{
				paid(ago(2, 11), "Nümunə Xidmət İdarəsi", "Kommunal xidmət haqqı", 2540, "AP-7700412"),
				paid(ago(16, 15), "Nümunə Xidmət İdarəsi", "Arayışın verilməsi", 700, "AP-7690017"),
				paid(ago(41, 9), "Nümunə Sertifikat Mərkəzi", "Elektron imza sertifikatı, 3 il", 1800, "AP-7651180"),
			},
			Accesses: []centralapi.CabinetRow{
				asked(ago(1, 10), "Nümunə Bank", "Kredit müraciəti: iş yeri və gəlir"),
				asked(ago(9, 14), "Nümunə Xidmət İdarəsi", "Ünvan üzrə qeydiyyat məlumatı"),
				asked(ago(30, 12), "Nümunə Poliklinika", "Şəxsiyyət vəsiqəsi məlumatı"),
			},
		},
		{
			FIN: "7KM2P9Q", Name: "ELVİN SINAQ", Phone: "+994551112233", UserID: "54321",
			Password: "$argon2id$v=19$m=19456,t=2,p=1$ZGVtbyBzYWx0IFNpbmFxMg$L6cZxivMz5iP7D038EoYNVygEz+TnIdmPdG+hsSuw9M", // Sinaq2026!
			Payments: []centralapi.CabinetRow{paid(ago(5, 16), "Nümunə Xidmət İdarəsi", "Dövlət rüsumu", 1000, "AP-7698230")},
			Accesses: []centralapi.CabinetRow{asked(ago(3, 17), "Nümunə Sığorta", "Nəqliyyat vasitəsi məlumatı")},
		},
		{FIN: "9ZXC4V8", Name: "LALƏ SİQNALSIZ", Phone: "+994700000001", UserID: "11111", Silent: true},
	}
}

// seedCitizens adds the demo's people that are missing.
func (s *Server) seedCitizens(tx *bolt.Tx) error {
	for _, a := range demoCitizens(s.now()) {
		if _, ok, err := citizenOf(tx, a.FIN); err != nil {
			return err
		} else if ok {
			continue
		}
		if err := putCitizen(tx, a); err != nil {
			return err
		}
	}
	return nil
}
