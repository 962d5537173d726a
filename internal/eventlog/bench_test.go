package eventlog

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Reading and decoding the log in pages: the feed's part of a rebuild.
func BenchmarkReadPages(b *testing.B) {
	l := openLog(b, storeURL(b), Options{})
	s := newSeries(b, l)
	begin, err := l.Newest(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	const events = 20_000
	for range events / 500 {
		s.append(500)
	}
	r := Reader{Log: l, Codec: codec}
	for b.Loop() {
		n := 0
		if err := r.ReadAll(b.Context(), begin, func(page eventschema.Page) error { n += len(page); return nil }); err != nil || n < events {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}

// Many writers, each on a stream of its own.
func BenchmarkAppend32Writers(b *testing.B) {
	l := openLog(b, storeURL(b), Options{})
	var failed atomic.Bool
	defer reportCPU(b)()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		s := newSeries(b, l)
		for pb.Next() {
			if _, err := l.Append(context.Background(), s.stream, s.next-1, s.proposed(1)); err != nil {
				failed.Store(true)
			}
			s.next++
		}
	})
	if failed.Load() {
		b.Fatal("an append failed")
	}
}

// Many readers that read their streams on, where nothing is new: what a command asks of what it looks at beside its own stream.
func BenchmarkReadOn32Readers(b *testing.B) {
	l := openLog(b, storeURL(b), Options{})
	var failed atomic.Bool
	defer reportCPU(b)()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		s := newSeries(b, l)
		s.append(3)
		for pb.Next() {
			n := 0
			err := l.ReadStream(context.Background(), s.stream, 2, func(eventschema.Stored) error { n++; return nil })
			if err != nil || n != 1 {
				failed.Store(true)
			}
		}
	})
	if failed.Load() {
		b.Fatal("a read failed")
	}
}

// reportCPU reports the CPU time of an operation, this process's with the embedded node in it: other programs on the machine disturb it least.
func reportCPU(b *testing.B) (report func()) {
	spent := func() int64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := spent()
	return func() { b.ReportMetric(float64(spent()-before)/float64(b.N), "cpu-ns/op") }
}
