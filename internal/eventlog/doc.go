// Package eventlog is the event log as the rest of the house sees it: append, read, and the feed. It wraps the official EventStoreDB client,
// once for the whole program; the embedded node and a cluster differ only in the connection string.
//
// The client needs supervision, and supervise.go gives it. When its attempts to find a node run out, a client is dead for good; other calls
// inside it then block for ever, and closing it under them is a race that ends in a panic; no call that waits for a connection obeys its
// context. So a client serves one call at a time: clients are pooled, a call has one for itself, in a goroutine of its own, and whoever waits
// for the call can stop waiting. A session is what the pooled clients have in common: a node that answered. It begins when one client alone has
// found a node; when a call says that the connection is lost, the session is given up: its calls are cancelled, its clients are closed, each
// after its call, and a new session is looked for until there is one. On a cluster all clients of a session are connected with one leader, which a majority of the members
// names when the session begins and for each read (leader.go).
//
// An append is sent again, the same bytes with the same ids and the same expected revision, until its outcome is known: that is safe because
// the server compares the ids at that revision. A read goes on after the last event that it delivered.
//
// The feed (feed.go) reads and decodes each event once per process, however many subscribers follow it.
package eventlog
