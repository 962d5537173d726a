package rows

import "io/fs"

// Join is two flat folders seen as one: a read model's own sources, and those of what it shares with others. No name is in both.
func Join(own, shared fs.FS) fs.FS { return joined{own, shared} }

type joined struct{ own, shared fs.FS }

// Open implements fs.FS.
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
