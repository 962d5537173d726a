// Package log keeps streams of events in one folder and answers as an EventStoreDB 23.10 node answers. It knows no gRPC.
//
// # One writer
//
// Every write goes through one goroutine, the committer. It takes all requests that are waiting, decides them one after the other
// (each sees what the ones before it will have written), puts their events into one Pebble batch, syncs that batch once, and only
// then publishes and answers. So a hundred waiting appends cost one sync, an expected revision is never compared with a stale one,
// and nothing is acknowledged that a crash could take away.
//
// # One line of reading
//
// Events are numbered 1, 2, 3, … in $all; that number is the event's position. Pebble shows a batch to readers before it is synced,
// therefore readers go by a number of their own: the published position, which the committer moves after the sync. Whatever lies
// above it does not exist yet, for reads, subscriptions, links and metadata alike.
//
// # What lies in the folder
//
//	FORMAT                              the number of this format, as text
//	ACKNOWLEDGED                        a position up to which events were acknowledged, as text, see acknowledged.go
//	CLOSED                              name, size and checksum of the store's list of tables after an orderly stop, see damage.go
//	db/                                 a Pebble store with four kinds of rows
//	'e' position            → record    every event, see record.go
//	's' stream revision     → position  a stream's events in order; a tombstone is revision 2^63-1
//	'i' stream event-id     → revision  the first revision under which a stream saw an id (the smallest wins, by a merge)
//	'n' stream name         → stream    the number that stands for the name in 's' and 'i' rows
//
// Numbers in keys are eight bytes, big-endian. Everything else (a stream's last revision, its metadata, whether it is deleted) is read
// from these rows and cached; nothing is stored twice that could disagree.
//
// # When bytes are not what was written
//
// Pebble's blocks and our records carry checksums, so altered bytes are an error to whoever meets them (ErrDamaged), with the place; everybody
// else goes on. A stream's revisions have no gaps, so a missing row of its index is an error as well, never a shorter answer. Two things Pebble
// takes for an end are looked at by us before it opens the store: the list of its tables, and what ACKNOWLEDGED says. See damage.go.
//
// # When the disk fails
//
// Pebble does not return a failed sync: it calls Logger.Fatalf and, if that returns, reports success. Our logger never returns from
// Fatalf: it marks the log as failed, which fails every waiting and every later request, and parks the calling goroutine for good.
// After that nothing is published or acknowledged; the process has to end and start again on the folder.
package log
