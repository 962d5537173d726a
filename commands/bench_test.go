package commands_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/domain/forms"
)

// BenchmarkCommands tells how long one client waits for each kind of command: the log synced, nothing projected.
func BenchmarkCommands(b *testing.B) {
	w := newWorld(b)
	ana := w.interpreter("LIN/5455/5J71Y")
	measure := func(name string, prepare func(i int) string, run func(ref string) error) {
		b.Run(name, func(b *testing.B) {
			refs := make([]string, b.N)
			for i := range refs {
				refs[i] = prepare(i)
			}
			took := make([]time.Duration, b.N)
			b.ResetTimer()
			for i, ref := range refs {
				start := time.Now()
				if err := run(ref); err != nil {
					b.Fatal(err)
				}
				took[i] = time.Since(start)
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
	day := 0
	book := func(int) string {
		day++
		return w.book(now.AddDate(0, 0, day).Format("2006-01-02") + "T10:00").Ref
	}
	measure("create", func(int) string { return "" }, func(string) error {
		_, err := w.h.CreateBooking(b.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, w.wanted("2026-07-01T10:00"))
		return err
	})
	measure("post-message", book, func(ref string) error {
		_, err := w.h.Job(b.Context(), w.by(w.requestor, "post-message"), ref, say("hello"))
		return err
	})
	measure("assign", book, func(ref string) error {
		_, err := w.h.Job(b.Context(), w.by(w.staff, "assign"), ref, assignTo(ana))
		return err
	})
}
