// Package commands carries every wish to the log: it reads the stream, asks a pure decider, and appends what was decided with the
// revision that it was decided on. There is one way for all commands (execute in loop.go); what differs is which stream, which decider
// and who may.
//
// Three ideas carry it.
//
// A cache may be stale, so it may only lead to an append: the log compares the expected revision and refuses a stale decision. Before any
// other answer (a refusal, nothing to do, a stale revision, a repeat) the stream is read on from the cached revision and decided again.
//
// A command has an id. Its events carry it, so the stream itself remembers which commands it has seen: a command sent twice is recognised
// when the stream is folded, whichever process folds it. Nothing else is kept about commands, and nothing is kept about refused ones.
//
// Two streams are never changed at once. A worker's diary is reserved before the booking says "assigned", and released after the booking
// has let go, so at every instant, also between two appends that a crash tears apart, the diary holds at least every assigned window.
// What a crash leaves over is repaired by first voiding the reservation in the booking, then releasing it (repair.go). A reservation's id
// belongs to one attempt of one execution: nobody else ever claims it, so whoever made it may release it once the booking has moved on.
package commands
