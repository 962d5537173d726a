package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/projections"
)

// scrapeLimit is how long one look at everything may take: a dependency that is away must not keep the other numbers from being shown.
const scrapeLimit = 3 * time.Second

// Numbers that are looked up when somebody asks for /metrics. What is counted as it happens stands in the rooms where it happens.
var (
	dependencyUp  = describe("dragoman_dependency_up", "1 if the part that serving needs answered just now.", "dependency")
	logPosition   = describe("dragoman_log_position", "Commit position of the newest event of ours in the event log.")
	feedPosition  = describe("dragoman_feed_position", "Commit position up to which this process has seen the event log.")
	feedAge       = describe("dragoman_feed_behind_seconds", "Age of the oldest event that the event log holds and this process's feed has not handed on; 0: none.")
	modelPosition = describe("dragoman_read_model_position", "Commit position of the read model's checkpoint.", "model")
	modelLag      = describe("dragoman_read_model_lag_events", "Events that the read model has not applied, counted up to 1,000.", "model")
	modelAge      = describe("dragoman_read_model_lag_seconds", "Age of the oldest event that the read model has not applied; 0: none.", "model")
	modelState    = describe("dragoman_read_model_state", "1 for the state that the read model has in this process: waiting (another process runs it), running, retrying, stopped.", "model", "state")
	modelNumber   = describe("dragoman_read_model_generation", "Generation that is live; 0: none that this program serves.", "model")
	reactionAt    = describe("dragoman_reaction_position", "Commit position of the reaction's checkpoint.", "reaction")
	reactionState = describe("dragoman_reaction_state", "1 for the state that the reaction has in this process, as of read models.", "reaction", "state")
	poolConns     = describe("dragoman_db_connections", "Connections of the database pool, by what they do: acquired, idle, opening.", "state")
	poolMax       = describe("dragoman_db_connections_max", "Connections that the database pool may hold.")
	poolAcquired  = describe("dragoman_db_acquires_total", "Connections handed out by the database pool.")
	poolWaited    = describe("dragoman_db_acquire_waits_total", "Of these, those that had to wait for one to be given back or opened.")
	poolWait      = describe("dragoman_db_acquire_seconds_total", "Time spent waiting for connections of the database pool.")
	diskUsed      = describe("dragoman_log_disk_bytes", "Room that the embedded event log takes.")
	diskFree      = describe("dragoman_log_disk_free_bytes", "Room that its disk has left.")
	diskLeast     = describe("dragoman_log_disk_least_bytes", "Room below which it takes no more appends.")
	syncSeconds   = describe("dragoman_log_sync_seconds", "How long the embedded event log's disk took to make appends safe.")
	lastBackup    = describe("dragoman_last_backup_timestamp_seconds", "When the last backup was finished, in Unix seconds; 0: none was.")
	keyStock      = describe("dragoman_personal_keys_stock", "Personal-data keys that this process has drawn ahead.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// states are those of read models and reactions.
var states = []string{projections.Waiting, projections.Running, projections.Retrying, projections.Stopped}

// houseMetrics looks at the house.
type houseMetrics struct {
	house *house
	one   sync.Mutex // scrapes at the same time would only ask the same questions twice
}

// Describe implements prometheus.Collector.
func (m *houseMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{dependencyUp, logPosition, feedPosition, feedAge, modelPosition, modelLag, modelAge, modelState, modelNumber, reactionAt,
		reactionState, poolConns, poolMax, poolAcquired, poolWaited, poolWait, diskUsed, diskFree, diskLeast, syncSeconds, keyStock, lastBackup} {
		out <- d
	}
}

// Collect implements prometheus.Collector. What cannot be asked is left out, and its dependency shown as down.
func (m *houseMetrics) Collect(out chan<- prometheus.Metric) {
	m.one.Lock()
	defer m.one.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	h := m.house
	database := h.pool.Ping(ctx) == nil
	gauge(dependencyUp, number(database), "database")
	newest, err := h.events.Newest(ctx)
	gauge(dependencyUp, number(err == nil), "event-log")
	gauge(feedPosition, float64(h.feed.Head().Commit))
	if err == nil {
		gauge(logPosition, float64(newest.Commit))
		if age, err := h.feed.Behind(ctx); err == nil {
			gauge(feedAge, age.Seconds())
		}
		if database {
			m.models(ctx, gauge)
		}
	}
	if database {
		m.reactions(ctx, gauge)
		m.backups(ctx, gauge)
	}

	pool := h.pool.Stat()
	gauge(poolConns, float64(pool.AcquiredConns()), "acquired")
	gauge(poolConns, float64(pool.IdleConns()), "idle")
	gauge(poolConns, float64(pool.ConstructingConns()), "opening")
	gauge(poolMax, float64(pool.MaxConns()))
	counter(poolAcquired, float64(pool.AcquireCount()))
	counter(poolWaited, float64(pool.EmptyAcquireCount()))
	counter(poolWait, pool.AcquireDuration().Seconds())

	gauge(keyStock, float64(h.keys.Stock()))
	if h.node == nil {
		return
	}
	if disk, err := h.node.Disk(); err == nil {
		gauge(diskUsed, float64(disk.Used))
		gauge(diskFree, float64(disk.Free))
		gauge(diskLeast, float64(h.config.minFreeDisk()))
	}
	if syncs, err := h.node.Syncs(); err == nil {
		out <- prometheus.MustNewConstHistogram(syncSeconds, syncs.Count, syncs.Seconds, syncs.Within)
	}
}

func (m *houseMetrics) models(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	all, err := m.house.runner.Status(ctx)
	if err != nil {
		return
	}
	for _, s := range all {
		gauge(modelPosition, float64(s.Position.Commit), s.Name)
		gauge(modelLag, float64(s.Lag.Events), s.Name)
		gauge(modelAge, s.Lag.Age.Seconds(), s.Name)
		gauge(modelNumber, float64(s.Generation), s.Name)
		for _, state := range states {
			gauge(modelState, number(s.Health.State == state), s.Name, state)
		}
	}
}

func (m *houseMetrics) reactions(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	all, err := m.house.reactions.States(ctx)
	if err != nil {
		return
	}
	for _, s := range all {
		gauge(reactionAt, float64(s.Position.Commit), s.Name)
		for _, state := range states {
			gauge(reactionState, number(s.Health.State == state), s.Name, state)
		}
	}
}

func (m *houseMetrics) backups(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	at, err := m.house.accounts.LastBackup(ctx)
	switch {
	case err != nil:
	case at.IsZero():
		gauge(lastBackup, 0)
	default:
		gauge(lastBackup, float64(at.Unix()))
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
