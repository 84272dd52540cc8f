// Package metrics serves the daemon's figures to Prometheus, under the names of
// protocols/central-sync.md 9 as far as what they count exists. Labels hold words of
// fixed lists only: nothing says anything about a person or a visit.
package metrics

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sys/unix"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/journal"
)

// Source is where the figures come from. They are asked for when somebody reads
// them, so that nobody pays for figures that nobody reads.
type Source struct {
	Journal interface {
		Head() (seq uint64, hash string)
		Acked() uint64
		Read(from uint64, max int) ([]journal.Record, error)
	}
	JournalDir string                                       // its files' bytes are counted
	StateDir   string                                       // on the disk whose room is told
	Report     func(context.Context) (health.Report, error) // from among the rooms
	Starts     func() (all, unclean uint64)
	// CertExpiry is until when central knows this terminal; nil without an uplink.
	CertExpiry func(context.Context) (time.Time, error)
	Loops      func() []health.Loop
	Bundle     uint64 // version of the catalogue
	Version    string // of the daemon
	Now        func() time.Time
	Log        *slog.Logger
}

// Metrics are the figures.
type Metrics struct {
	registry *prometheus.Registry
	commits  prometheus.Histogram
	calls    *prometheus.CounterVec
	poison   prometheus.Counter
	offset   prometheus.Gauge
	clocked  sync.Once
}

// askFor is how long a reader waits for the rooms.
const askFor = 2 * time.Second

// New makes the figures; Use tells where the rest comes from.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "journal_commit_seconds",
			Help: "Time of a durable write to both copies of the journal.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 12)}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sync_attempts_total",
			Help: "Requests to central by what they were for and what came of them."}, []string{"result", "type"}),
		poison: prometheus.NewCounter(prometheus.CounterOpts{Name: "quarantine_total",
			Help: "Records that central would not read and holds as opaque bytes, since the start."}),
		offset: prometheus.NewGauge(prometheus.GaugeOpts{Name: "clock_offset_seconds",
			Help: "Central's clock less ours, by the Date of its latest answer, to a second; missing before the first answer."}),
	}
	m.registry.MustRegister(m.commits, m.calls, m.poison)
	return m
}

// Committed notes the time of one durable write.
func (m *Metrics) Committed(d time.Duration) { m.commits.Observe(d.Seconds()) }

// Called notes one request to central: what it was for and the class of its reply,
// both words of central's own lists.
func (m *Metrics) Called(kind, class string) { m.calls.WithLabelValues(class, kind).Inc() }

// Quarantined notes a record that central holds as opaque bytes.
func (m *Metrics) Quarantined() { m.poison.Inc() }

// Clock notes central's clock less ours. Before the first time there is no figure:
// a 0 would say that the clock is right.
func (m *Metrics) Clock(offset time.Duration) {
	m.offset.Set(offset.Seconds())
	m.clocked.Do(func() { m.registry.MustRegister(m.offset) })
}

// Use adds what is asked for when the figures are read. It is called once.
func (m *Metrics) Use(s Source) { m.registry.MustRegister(collector{s}) }

// Handler serves GET /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 3 * askFor}))
	return mux
}

type collector struct{ Source }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descSeq      = desc("journal_seq", "Number of the last record.")
	descAcked    = desc("journal_acked_seq", "Number of the last record that central has confirmed.")
	descUnsent   = desc("journal_unsent_records", "Records that central has not confirmed.")
	descOldest   = desc("journal_unsent_oldest_seconds", "Age of the oldest of them; 0 if there is none.")
	descBytes    = desc("journal_bytes", "Size of both copies of the journal.")
	descBackoff  = desc("sync_backoff_seconds", "Time until the records are sent again after a failure; 0 if nothing holds them up.")
	descBundle   = desc("bundle_version_info", "The catalogue and the daemon in use.", "bundle", "daemon")
	descDisk     = desc("disk_free_bytes", "Room on the disk of the journal.")
	descStarts   = desc("starts_total", "Starts of the daemon since enrolment.")
	descUnclean  = desc("unclean_starts_total", "Starts after a life that did not end in order.")
	descDevice   = desc("device_state", "1 for the state that a device is in.", "device", "state")
	descFunction = desc("function_available", "1 if the function can be had.", "function")
	descOut      = desc("out_of_service", "1 while nothing can be offered.")
	descCert     = desc("cert_expiry_seconds", "Time until the terminal's certificate for central ends.")
	descActions  = desc("actions_open", "Actions without a result.")
	descAlarms   = desc("alarms_standing", "What an operator must look at.")
	descLoop     = desc("loop_still_seconds", "Time since a loop of the daemon last got round.", "loop")
)

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSeq, descAcked, descUnsent, descOldest, descBytes, descBackoff, descBundle, descDisk, descStarts,
		descUnclean, descDevice, descFunction, descOut, descCert, descActions, descAlarms, descLoop} {
		to <- d
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	head, _ := c.Journal.Head()
	acked := c.Journal.Acked()
	gauge(descSeq, float64(head))
	gauge(descAcked, float64(acked))
	gauge(descUnsent, float64(head-acked))
	gauge(descOldest, c.oldest(head, acked).Seconds())
	gauge(descBytes, float64(c.bytes()))
	gauge(descBundle, 1, strconv.FormatUint(c.Bundle, 10), c.Version)
	var disk unix.Statfs_t
	if err := unix.Statfs(c.StateDir, &disk); err == nil {
		gauge(descDisk, float64(disk.Bavail)*float64(disk.Bsize))
	}
	all, unclean := c.Starts()
	counter(descStarts, float64(all))
	counter(descUnclean, float64(unclean))
	for _, l := range c.Loops() {
		gauge(descLoop, float64(l.Still)/1000, l.Name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	if c.CertExpiry != nil {
		// Without an answer there is no figure, and central's device tells that the uplink is away.
		if until, err := c.CertExpiry(ctx); err == nil {
			gauge(descCert, until.Sub(c.Now()).Seconds())
		}
	}
	r, err := c.Report(ctx)
	if err != nil {
		// What the rooms would have said is missing, and the age of their loop says why.
		c.Log.Warn("the rooms did not answer for the metrics", "err", err)
		return
	}
	for _, d := range r.Devices {
		for _, s := range health.States() {
			gauge(descDevice, one(d.State == s), string(d.ID), string(s))
		}
	}
	for _, f := range r.Functions {
		gauge(descFunction, one(f.Available), string(f.ID))
	}
	gauge(descOut, one(len(r.OutOfService) > 0))
	gauge(descActions, float64(r.Central.Open))
	gauge(descAlarms, float64(len(r.Alarms)))
	gauge(descBackoff, float64(r.Central.Backoff)/1000)
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// oldest is how long ago the first record was made that central has not confirmed.
func (c collector) oldest(head, acked uint64) time.Duration {
	if head <= acked {
		return 0
	}
	rs, err := c.Journal.Read(acked+1, 1)
	if err != nil || len(rs) == 0 {
		return 0
	}
	return max(0, c.Now().Sub(rs[0].Time()))
}

func (c collector) bytes() (n int64) {
	_ = filepath.WalkDir(c.JournalDir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // a file that has gone meanwhile is not counted
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
