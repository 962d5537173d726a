package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// torture multiplies the rounds of the tests that draw at random: 1 unless the variable of that name says more, as `make torture` does.
func torture(t testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("TORTURE"))
	if err != nil {
		return 1
	}
	t.Logf("%d times the usual rounds", n)
	return max(n, 1)
}

// TestFlippedBytes: a byte altered anywhere in a folder is named by the check, and by what it stands at; a start refuses with the place, or
// every read gives what was written or an error. No read gets shorter, and no read gives anything else.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"stopped", "crashed"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			rng := rand.New(rand.NewPCG(seed, 1))
			folder, written := flipFolder(t, end)
			files := flipFiles(t, folder)
			named := map[string]int{}
			for round := range 24 * torture(t) {
				kind := slices.Sorted(func(yield func(string) bool) {
					for kind := range files {
						if !yield(kind) {
							return
						}
					}
				})[round%len(files)]
				name := files[kind][rng.IntN(len(files[kind]))]
				fs := folder.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})
				b, err := fs.UnsafeGetFileDataBuffer(name)
				if err != nil {
					t.Fatal(err)
				}
				size := len(b)
				switch {
				case kind == "log":
					size = max(walEnd(t, fs, name)-1, 0) / chunkBlock * chunkBlock // the last block may be a torn end
				case kind == "manifest" && end == "crashed":
					size = lastRecord(b) // the last record may be a torn end
				}
				if size == 0 {
					continue
				}
				at, mask := rng.IntN(size), byte(1+rng.IntN(255))
				b[at] ^= mask
				what := fmt.Sprintf("seed %d, round %d: byte %d of %d of %s, changed by %#02x", seed, round, at, len(b), name, mask)
				if flipped(t, what, fs, written) {
					named[kind]++
				} else if kind != "OPTIONS" && kind != "FORMAT" { // where a change may mean the same
					t.Errorf("%s: nobody noticed", what)
				}
			}
			t.Logf("named: %v", named)
		})
	}
}

// flipFolder writes several tables and write-ahead logs.
func flipFolder(t *testing.T, end string) (*vfs.MemFS, []Event) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	l, err := Open("data", quiet(Options{FS: fs, MemTable: 128 << 10}))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	noise := func(n int) []byte { // compresses to a sixth: Pebble takes its time over a damaged block, the more the larger it is
		return bytes.Repeat(strconv.AppendUint(nil, rng.Uint64(), 16), n/16)
	}
	for i := 0; i < 400 || walEnd(t, fs, newestLog(t, fs)) < 70<<10; i++ {
		events := make([]Proposed, 1+i%4)
		for j := range events {
			events[j] = Proposed{ID: uuid.New(), Type: "T", Data: noise(100 + rng.IntN(2500))}
		}
		mustAppend(t, l, fmt.Sprintf("s-%d", i%17), Any, events)
	}
	mustAppend(t, l, "$$s-3", Any, []Proposed{{ID: uuid.New(), Type: typeMetadata, JSON: true, Data: []byte(`{"$maxCount":3}`)}})
	var written []Event
	for next := uint64(0); ; {
		page, err := l.ReadAllForward(next, PageEvents, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, page.Events...)
		if page.End {
			break
		}
		next = page.Last + 1
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if end == "crashed" {
		return crashed, written
	}
	return fs, written
}

// flipFiles are the files that the store would read, by kind.
func flipFiles(t *testing.T, fs *vfs.MemFS) map[string][]string {
	t.Helper()
	found, err := pebble.Peek("data/db", fs)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]string{"manifest": {found.ManifestFilename}, "FORMAT": {"data/FORMAT"}}
	for _, table := range tablesOf(t, fs) {
		files["sst"] = append(files["sst"], "data/db/"+table)
	}
	names, err := fs.List("data/db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") && name < filepath.Base(newestLog(t, fs)) {
			continue // what it holds may be in tables by now
		}
		for _, kind := range []string{"log", "OPTIONS"} {
			if filepath.Ext(name) == "."+kind || strings.HasPrefix(name, kind) {
				files[kind] = append(files[kind], "data/db/"+name)
			}
		}
	}
	for _, name := range []string{closedFile, acknowledgedFile} {
		if _, err := fs.Stat("data/" + name); err == nil {
			files[name] = append(files[name], "data/"+name)
		}
	}
	return files
}

// tablesOf are the tables that belong to the store; others may lie there still.
func tablesOf(t *testing.T, fs *vfs.MemFS) (names []string) {
	t.Helper()
	db, err := pebble.Open("data/db", &pebble.Options{FS: fs, ReadOnly: true, Merger: &smallestRevision, Logger: &fatalLogger{log: slog.New(slog.DiscardHandler)}})
	if err != nil {
		t.Fatal(err)
	}
	levels, err := db.SSTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range levels {
		for _, table := range level {
			names = append(names, fmt.Sprintf("%s.sst", table.BackingSSTNum))
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return names
}

// walEnd is where the readable part of a write-ahead log ends; behind it lies what an earlier use of the file left.
func walEnd(t *testing.T, fs *vfs.MemFS, name string) int {
	t.Helper()
	b, err := readAll(name, fs)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(name), ".log"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	records := newRecords(record.NewReader, bytes.NewReader(b), number)
	for {
		end := int(records.Offset())
		r, err := records.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			return end
		}
	}
}

// lastRecord is where the last piece of the list of tables begins.
func lastRecord(b []byte) (begin int) {
	for at := 0; at < len(b); {
		if left := chunkBlock - at%chunkBlock; left < chunkHead {
			at += left
			continue
		}
		size, kind := chunkAt(b, at)
		if kind == 0 {
			break
		}
		begin, at = at, at+size
	}
	return begin
}

// flipped tells whether the damage was named by anybody. Meanwhile it holds every read against what was written.
func flipped(t *testing.T, what string, fs *vfs.MemFS, written []Event) (named bool) {
	report, err := Check(context.Background(), "data", fs)
	named = err != nil || len(report.Faults) > 0
	faults := strings.Join(report.Faults, "\n")
	l, openErr := Open("data", quiet(Options{FS: fs}))
	if openErr != nil {
		if !named {
			t.Errorf("%s: the check found nothing, but a start refuses: %v", what, openErr)
		}
		return true
	}
	defer func() { _ = l.Close(context.Background()) }() // a damaged store may say so once more
	if err != nil {
		t.Errorf("%s: the check could not begin, but a start could: %v", what, err)
	}
	for _, e := range written {
		if _, err := l.At(e.Position); err != nil && !strings.Contains(faults, place(e.Stream, e.Revision, e.Position)) {
			t.Fatalf("%s: the check does not name %s, only\n%s", what, place(e.Stream, e.Revision, e.Position), faults)
		}
	}
	meets := func(read string, got, want []Event, err error) {
		t.Helper()
		if err != nil {
			named = true
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "position") && !strings.Contains(err.Error(), "stream") {
				t.Errorf("%s: %s fails without saying where: %v", what, read, err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %s says more than a sentence: %v", what, read, err)
			}
		} else if len(got) != len(want) {
			t.Fatalf("%s: %s gives %d events, want %d", what, read, len(got), len(want))
		}
		for i, e := range got {
			if w := want[i]; e.ID != w.ID || e.Position != w.Position || e.Revision != w.Revision || string(e.Data) != string(w.Data) {
				t.Fatalf("%s: %s gives another event at %s", what, read, place(w.Stream, w.Revision, w.Position))
			}
		}
	}
	byStream := map[string][]Event{}
	for _, e := range written {
		byStream[e.Stream] = append(byStream[e.Stream], e)
	}
	byStream["s-3"] = byStream["s-3"][len(byStream["s-3"])-3:] // its $maxCount
	for stream, want := range byStream {
		first := int64(want[0].Revision)
		got, err := pages(func(next int64) (StreamPage, error) { return l.ReadForward(stream, next, PageEvents) }, first)
		meets("reading "+stream, got, want, err)
		got, err = pages(func(next int64) (StreamPage, error) { return l.ReadBackward(stream, next, PageEvents) }, FromEnd)
		slices.Reverse(want)
		meets("reading backwards "+stream, got, want, err)
	}
	var all []Event
	var page AllPage
	for next := uint64(0); !page.End && err == nil; next = page.Last + 1 {
		page, err = l.ReadAllForward(next, PageEvents, 1<<20, nil)
		all = append(all, page.Events...)
	}
	meets("reading $all", all, written, err)
	all, page, err = nil, AllPage{}, nil
	for next := uint64(AllEnd); !page.End && err == nil; next = page.Last {
		page, err = l.ReadAllBackward(next, PageEvents, 1<<20, nil)
		all = append(all, page.Events...)
	}
	backwards := slices.Clone(written)
	slices.Reverse(backwards)
	meets("reading $all backwards", all, backwards, err)
	return named
}

func pages(read func(next int64) (StreamPage, error), next int64) (all []Event, err error) {
	for {
		page, err := read(next)
		all = append(all, page.Events...)
		if err != nil || page.End {
			return all, err
		}
		next = page.Next
	}
}

// TestCheckChangesNothing: whatever state a folder is in, the check leaves every byte of it as it was.
func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"stopped", "crashed"} {
		fs, written := flipFolder(t, end)
		before := contents(t, fs)
		r, err := Check(context.Background(), "data", fs)
		if err != nil || r.Events != uint64(len(written)) || len(r.Faults) > 0 || r.Bytes == 0 || r.RecentBytes < 300<<10 {
			t.Errorf("%s: %+v, %v", end, r, err)
		}
		if after := contents(t, fs); after != before {
			t.Errorf("%s: the folder was\n%s\nand after the check is\n%s", end, before, after)
		}
	}
}

// TestCheckGoesOnBehindADamagedLog: a write-ahead log that breaks off does not keep the check from the rest of the folder.
func TestCheckGoesOnBehindADamagedLog(t *testing.T) {
	t.Parallel()
	fs, written := flipFolder(t, "crashed")
	table := tablesOf(t, fs)[0]
	for name, at := range map[string]int{newestLog(t, fs): chunkBlock + chunkBlock/2, "data/db/" + table: 20} {
		b, err := fs.UnsafeGetFileDataBuffer(name)
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 0x10
	}
	before := contents(t, fs)
	r, err := Check(context.Background(), "data", fs)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(r.Faults, "\n")
	for _, want := range []string{
		"write-ahead log " + filepath.Base(newestLog(t, fs)) + " is damaged", "the last event before it is stream", "the first behind it that can be read is stream",
		"file " + table + ": the event log is damaged in the block",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nobody says %q:\n%s", want, all)
		}
	}
	if r.Events < uint64(len(written))/2 || r.Events >= uint64(len(written)) {
		t.Errorf("%d of %d events were looked at", r.Events, len(written))
	}
	if after := contents(t, fs); after != before {
		t.Errorf("the folder was\n%s\nand after the check is\n%s", before, after)
	}
	if _, err := Open("data", quiet(Options{FS: fs})); !errors.Is(err, ErrDamaged) {
		t.Errorf("a start: %v", err)
	}
}

// TestCheckMakesNothing: of a folder that holds no store the check says so, and makes none.
func TestCheckMakesNothing(t *testing.T) {
	t.Parallel()
	for format, folders := range map[string][]string{"2\n": {"data"}, "": {"data", "data/db"}} {
		fs := vfs.NewMem()
		for _, dir := range folders {
			if err := fs.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := writeDurably("data", "FORMAT", format, fs); err != nil {
			t.Fatal(err)
		}
		if r, err := Check(context.Background(), "data", fs); err == nil {
			t.Errorf("FORMAT %q: %+v, want an error", format, r)
		}
		if text, err := readSmall("data", "FORMAT", fs); err != nil || text != strings.TrimSuffix(format, "\n") {
			t.Errorf("FORMAT was %q and is %q, %v", format, text, err)
		}
		for _, dir := range []string{"data", "data/db"} {
			names, err := fs.List(dir)
			if _, statErr := fs.Stat(dir); (statErr == nil) != slices.Contains(folders, dir) {
				t.Errorf("FORMAT %q: folder %s: %v", format, dir, statErr)
			} else if names = slices.DeleteFunc(names, func(name string) bool { return name == "FORMAT" || name == "LOCK" || name == "db" }); len(names) > 0 {
				t.Errorf("FORMAT %q: the check made %v, %v", format, names, err)
			}
		}
	}
}

func contents(t *testing.T, fs *vfs.MemFS) string {
	t.Helper()
	var text strings.Builder
	for _, dir := range []string{"data", "data/db"} {
		names, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		for _, name := range names {
			if info, err := fs.Stat(dir + "/" + name); err != nil || info.IsDir() || name == "LOCK" {
				continue
			}
			b, err := readAll(dir+"/"+name, fs)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "%s/%s\n", dir, sealOf(name, b))
		}
	}
	return text.String()
}
