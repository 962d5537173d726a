package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binaries is the folder of one installed PostgreSQL.
type binaries struct {
	dir   string
	major int
}

func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }
func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }

// ErrNoBinaries says that the machine has no PostgreSQL to run a private cluster with, and how to get one.
var ErrNoBinaries = errors.New("no PostgreSQL 14 or newer is installed here: install it with `apt-get install postgresql`, or set DATABASE_URL to a server that runs elsewhere")

// usualPlaces are where packages put the server when PATH does not name it.
var usualPlaces = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // PGDG on Red Hat and Fedora
	"/usr/libexec/postgresql*",          // Alpine
	"/usr/local/pgsql/bin",              // built from source
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew
	"/usr/local/opt/postgresql*/bin",
}

// installed lists this machine's PostgreSQL servers that are new enough, newest first.
func installed() []binaries {
	var dirs []string
	// A link in PATH leads to the real folder, which also holds what the server needs beside it.
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, place := range usualPlaces {
		found, _ := filepath.Glob(place) // the patterns are constant and well formed
		dirs = append(dirs, found...)
	}
	return serversIn(dirs)
}

func serversIn(dirs []string) []binaries {
	var found []binaries
	for _, dir := range dirs {
		b := binaries{dir: dir}
		if _, err := os.Stat(b.initdb()); err != nil {
			continue
		}
		out, err := exec.Command(b.postgres(), "--version").Output()
		if err != nil {
			continue
		}
		b.major = majorVersion(string(out))
		if b.major >= oldestServer && !slices.Contains(found, b) {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return b.major - a.major })
	return found
}

// imageCompression is how this server compresses whole pages on their way to the log of writes. Without LZ4 it does not: what its own method costs is most of
// what a read model of 100,000 jobs costs more than a small one (docs/performance.md).
func (b binaries) imageCompression() string {
	configured, err := exec.Command(filepath.Join(b.dir, "pg_config"), "--configure").Output()
	if err == nil && b.major >= 15 && strings.Contains(string(configured), "--with-lz4") {
		return "lz4"
	}
	return "off"
}

var versionNumber = regexp.MustCompile(`\d+`)

// majorVersion reads "postgres (PostgreSQL) 15.18 (Debian …)"; 0 means that it said something else.
func majorVersion(said string) int {
	n, _ := strconv.Atoi(versionNumber.FindString(said)) // no digits: 0
	return n
}

// choose picks the newest server, or the one that made the data folder: a newer one cannot read it.
func choose(from []binaries, dataMajor int) (binaries, error) {
	if len(from) == 0 {
		return binaries{}, ErrNoBinaries
	}
	if dataMajor == 0 {
		return from[0], nil
	}
	for _, b := range from {
		if b.major == dataMajor {
			return b, nil
		}
	}
	return binaries{}, fmt.Errorf("the private database was made by PostgreSQL %d, which is no longer installed (found %d): install it with `apt-get install postgresql-%d`",
		dataMajor, from[0].major, dataMajor)
}

// Binaries is the folder of the PostgreSQL that a new private cluster would use; ErrNoBinaries if there is none.
func Binaries() (string, error) {
	b, err := choose(installed(), 0)
	return b.dir, err
}
