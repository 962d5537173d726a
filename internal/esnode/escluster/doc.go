// Package escluster is a cluster of three EventStoreDB nodes for tests, in one process: each stores for real (internal/esnode/log) and speaks the
// protocol (internal/esnode/wire) at an address of its own, and a script says when one dies, freezes, lags behind or loses the lead. What clients
// see then is what a real cluster of three showed them.
//
// It is no cluster to keep anything in: who leads is decided by the Cluster, which sees all members at once, not by messages between them.
//
// # What a member is
//
// A member is an address that is never given back, a disk (in memory, so that a kill is a copy of it), and, while it lives, a process: a log, a
// gRPC server, and what it believes of the others. The leader writes and syncs, hands what it wrote to the others, and shows and acknowledges it
// once one of them has it too. Followers take over what the leader wrote, at the same positions; appends they pass on to the leader; reads they
// answer from what they have. Everything else (refusals, time-outs, trailers, gossip) is in front of the server, in calls.go.
//
// # What a kill leaves
//
// What the leader had synced and nobody else has is on its disk and was shown to nobody. When it comes back it shows it for a moment, finds out
// that the others went on without it, cuts its log where both part, and ends; whoever supervises it starts it again, as a follower. A leader that was frozen
// and wakes up goes on believing that it leads, for a while; it answers reads from what it had.
//
// Positions are byte offsets, as the real server's: one that was cut away names no record any more, and is refused, or, by chance, another event.
package escluster
