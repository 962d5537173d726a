package jobrow

import (
	"embed"
	"io/fs"
)

//go:embed jobrow.go users.go
var shared embed.FS

// With adds what this package decides about rows to a read model's own sources.
func With(own fs.FS) fs.FS { return joined{own, shared} }

// joined is two flat folders seen as one; no name is in both.
type joined struct{ own, shared fs.FS }

func (j joined) Open(name string) (fs.File, error) {
	if f, err := j.own.Open(name); err == nil {
		return f, nil
	}
	return j.shared.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (j joined) ReadDir(name string) ([]fs.DirEntry, error) {
	a, err := fs.ReadDir(j.own, name)
	if err != nil {
		return nil, err
	}
	b, err := fs.ReadDir(j.shared, name)
	return append(a, b...), err
}
