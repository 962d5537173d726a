// Package backup is the folder that `dragoman backup` makes and `dragoman restore` reads. It knows the folder's form, not where its content comes
// from: log.jsonl.gz holds the events, kept/ the tables, files/ the files, and manifest.json, written last, says what belongs to it, how large it is
// and what its checksums are. A folder without a manifest was not finished.
package backup
