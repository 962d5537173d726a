package backup

import (
	"time"

	"github.com/google/uuid"
)

// Format is the number of the form that this program writes. It reads no higher one.
const Format = 1

// Manifest is what a backup says of itself.
type Manifest struct {
	Format     int       `json:"format"`
	Program    string    `json:"program"` // version of the dragoman that made it
	MadeAt     time.Time `json:"madeAt"`  // machine time, UTC
	Deployment uuid.UUID `json:"deployment"`
	Log        Log       `json:"log"`
	Kept       Kept      `json:"kept"`
	Files      int       `json:"files"`   // uploaded files
	Content    []Part    `json:"content"` // every file of the backup but the manifest and its checksum
}

// Log is what a backup has of the event log.
type Log struct {
	Included bool      `json:"included"` // false: the log is a cluster's, whose own backups hold it
	Events   int64     `json:"events"`   // in the backup; 0 without the log
	Commit   uint64    `json:"commit"`   // position of the newest event, as of the beginning
	Prepare  uint64    `json:"prepare"`
	Event    uuid.UUID `json:"event"` // its id
}

// Kept is the schema of that name.
type Kept struct {
	Version        int64   `json:"version"`        // of its migrations
	MasterKeyCheck []byte  `json:"masterKeyCheck"` // a known text that only the right master key opens; the key is not in a backup
	Tables         []Table `json:"tables"`         // in an order in which they can be filled
}

// Table is one table, in the file kept/<name>.copy.gz as PostgreSQL's COPY writes text.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
}

// Part is a file of a backup.
type Part struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // in hexadecimal digits
}

// Event is a line of log.jsonl.gz.
type Event struct {
	Stream   string    `json:"stream"`
	Revision uint64    `json:"revision"`
	ID       uuid.UUID `json:"id"`
	Type     string    `json:"type"`
	Commit   uint64    `json:"commit"` // where it lay in the log that was backed up
	Prepare  uint64    `json:"prepare"`
	Data     []byte    `json:"data"`
	Metadata []byte    `json:"metadata"`
}

// Names in a backup's folder.
const (
	manifestName = "manifest.json"
	checksumName = "manifest.json.sha256"
	logName      = "log.jsonl.gz"
	keptFolder   = "kept"
	filesFolder  = "files"
)

func keptName(table string) string { return keptFolder + "/" + table + ".copy.gz" }
