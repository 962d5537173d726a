package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// table verifies every block of a table, and fences off those that are damaged.
func (c *checker) table(name string) (faults []error) {
	path := c.opts.FS.PathJoin(c.dir, "db", name)
	whole := func(err error) []error {
		c.fence.close(path, fenced{0, math.MaxInt64})
		return []error{fmt.Errorf("%w, and nothing in it can be read: %w", ErrDamaged, err)}
	}
	b, err := readAll(path, c.opts.FS)
	if err != nil {
		return []error{err}
	}
	layout, err := c.layout(path)
	if err != nil {
		return whole(err)
	}
	handles := append([]block.Handle{
		layout.TopIndex, layout.RangeDel, layout.RangeKey, layout.ValueIndex, layout.Properties, layout.MetaIndex, layout.BlobReferenceIndex,
	}, layout.Index...)
	handles = append(handles, layout.ValueBlock...)
	for _, h := range layout.Data {
		handles = append(handles, h.Handle)
	}
	for _, h := range layout.Filter {
		handles = append(handles, h.Handle)
	}
	for _, h := range handles {
		if h.Length > 0 && !intact(b, h) {
			faults = append(faults, fmt.Errorf("%w in the block of %d bytes at byte %d", ErrDamaged, h.Length, h.Offset))
			c.fence.close(path, fenced{int64(h.Offset), int64(h.Offset+h.Length) + blockTrailer})
		}
	}
	return faults
}

func (c *checker) layout(path string) (*sstable.Layout, error) {
	f, err := c.opts.FS.Open(path)
	if err != nil {
		return nil, err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	options := c.pebbleOptions()
	options.EnsureDefaults()
	reader, err := sstable.NewReader(c.ctx, readable, options.MakeReaderOptions())
	if err != nil {
		return nil, errors.Join(err, readable.Close())
	}
	layout, err := reader.Layout()
	return layout, errors.Join(err, reader.Close())
}

// Behind each block stand how it is compressed (1 byte) and a checksum of it and of that byte (4 bytes).
const blockTrailer = 5

func intact(table []byte, h block.Handle) bool {
	if h.Offset+h.Length+blockTrailer > uint64(len(table)) {
		return false
	}
	b := table[h.Offset : h.Offset+h.Length+blockTrailer]
	return binary.LittleEndian.Uint32(b[h.Length+1:]) == pebbleSum(b[:h.Length+1])
}

// pebbleSum is a checksum as Pebble writes it.
func pebbleSum(b []byte) uint32 {
	sum := crc32.Checksum(b, castagnoli)
	return sum>>15 | sum<<17 + 0xa282ead8
}

// fencedFS fails reads of blocks that are known to be damaged. Pebble would notice by itself, but each time look for the flipped bit, which takes
// a second for a large block.
type fencedFS struct {
	vfs.FS
	cut    *walError // of the write-ahead logs nothing is shown from there on
	mu     sync.Mutex
	fences map[string][]fenced
}

// fenced are bytes of a file, the last not included.
type fenced struct{ from, to int64 }

func (f *fencedFS) close(path string, bytes fenced) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fences == nil {
		f.fences = map[string][]fenced{}
	}
	f.fences[path] = append(f.fences[path], bytes)
}

func (f *fencedFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	if f.cut != nil && f.FS.PathBase(name) == f.cut.name {
		return cutFile{file, io.LimitReader(file, f.cut.at)}, nil
	}
	return fencedFile{file, f, name}, nil
}

func (f *fencedFS) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	if f.cut != nil {
		names = slices.DeleteFunc(names, func(name string) bool { return isWAL(name) && name > f.cut.name })
	}
	return names, err
}

// cutFile is a write-ahead log up to where it is damaged.
type cutFile struct {
	vfs.File
	rest io.Reader
}

func (f cutFile) Read(b []byte) (int, error) { return f.rest.Read(b) }

type fencedFile struct {
	vfs.File
	fs   *fencedFS
	name string
}

func (f fencedFile) ReadAt(b []byte, at int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	for _, fence := range f.fs.fences[f.name] {
		if at < fence.to && at+int64(len(b)) > fence.from {
			return 0, fmt.Errorf("%w: file %s at byte %d", ErrDamaged, f.fs.PathBase(f.name), max(fence.from, at))
		}
	}
	return f.File.ReadAt(b, at)
}
