// Package eventlog is the event log as the rest of the house sees it: append, read, and the feed. It wraps the official EventStoreDB client,
// once for the whole program; the embedded node and a cluster differ only in the connection string.
//
// The client needs supervision, and supervise.go gives it. When its attempts to find a node run out, a client is dead for good; calls that
// were waiting then block for ever; a call that meets Close panics; and no call waiting for a connection obeys its context. So a client lives
// in a session. A session begins when one call alone has found a node; all calls run in goroutines of their own, so that whoever waits for one
// can stop waiting; and when a call says that the connection is lost, the session is given up: no call enters it any more, those inside are
// cancelled, the client is closed behind them, and a new session is looked for until there is one.
//
// An append is sent again, the same bytes with the same ids and the same expected revision, until its outcome is known: that is safe because
// the server compares the ids at that revision. A read goes on after the last event that it delivered.
//
// The feed (feed.go) reads and decodes each event once per process, however many subscribers follow it.
package eventlog
