package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// runFile is what a running server writes to <data>/run.json, mode 0600, so that other subcommands use its stores instead of starting their
// own.
type runFile struct {
	PID       int    `json:"pid"`
	HTTP      string `json:"http"`
	EventLog  string `json:"eventLog"`            // connection string; may hold a password
	Database  string `json:"database,omitempty"`  // the same; empty: the private one of the data folder
	MasterKey string `json:"masterKey,omitempty"` // file; empty: the one in the data folder
	Erasures  string `json:"erasures"`            // file of the erasure list
	Embedded  bool   `json:"embedded"`            // the event log is the server's own node
}

// holdFolder keeps the data folder for one server: a second one says so and ends. The lock goes with the process, however that dies. Whoever
// looks whether a server runs holds it for a moment, which is waited for.
func holdFolder(data string) (release func(), err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(data, "serve.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data folder's lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for tries := 0; errors.Is(err, syscall.EWOULDBLOCK) && tries < 25; tries++ {
		time.Sleep(20 * time.Millisecond)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another dragoman serves from the data folder %s already", data)
		}
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return func() { f.Close() }, nil
}

// running reads the run file of a server that is alive: one that still holds the folder.
func running(data string) (runFile, bool) {
	f, err := os.Open(filepath.Join(data, "serve.lock"))
	if err != nil {
		return runFile{}, false
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return runFile{}, false // nobody holds it
	}
	b, err := os.ReadFile(filepath.Join(data, "run.json"))
	if err != nil {
		return runFile{}, false
	}
	var r runFile
	if json.Unmarshal(b, &r) != nil {
		return runFile{}, false
	}
	return r, true
}

// runningStores are those of a server that runs from this folder; none if none does.
func runningStores(data string) runFile {
	r, ok := running(data)
	if !ok || r.PID == os.Getpid() {
		return runFile{}
	}
	return r
}

func (r runFile) write(data string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write run.json: %w", err)
	}
	path := filepath.Join(data, "run.json")
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write run.json: %w", err)
	}
	return os.Rename(path+".new", path)
}
