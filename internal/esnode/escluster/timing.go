package escluster

import "time"

// WhenTold is no time: the script says when, by Step. All but Commit and Forward take it.
const WhenTold time.Duration = -1

// Timing says how long things take. The zero value of a field is that of Quick.
type Timing struct {
	Dead     time.Duration // until the others notice that the leader was killed; meanwhile they name it
	Silent   time.Duration // until they notice that it is frozen
	Election time.Duration // from then on until gossip names another leader
	NotReady time.Duration // how long a new leader, already named, answers that it is not ready
	Commit   time.Duration // how long the leader waits for another member to take an append over, before it answers Aborted
	Forward  time.Duration // how long a follower waits for the leader to answer, before it answers Aborted
	Return   time.Duration // how long a member that comes back shows what only it has, before it cuts it off and ends
	Restart  time.Duration // how long a member that ended by itself takes to be started again
	Stale    time.Duration // how long a leader that was frozen goes on believing that it leads
	Drain    time.Duration // how long subscriptions outlive the orderly stop of their member
}

// Measured is what a real cluster of three took, version 23.10.6 with its default time-outs.
var Measured = Timing{Dead: time.Second, Silent: 6500 * time.Millisecond, Election: 500 * time.Millisecond, NotReady: 7 * time.Second,
	Commit: 2 * time.Second, Forward: 4500 * time.Millisecond, Return: time.Second, Restart: time.Second, Stale: 3 * time.Second, Drain: 5 * time.Second}

// Quick is about a tenth of that, but for Commit: a busy machine may take a while to hand an append on.
var Quick = Timing{Dead: 100 * time.Millisecond, Silent: 400 * time.Millisecond, Election: 50 * time.Millisecond, NotReady: 200 * time.Millisecond,
	Commit: time.Second, Forward: 400 * time.Millisecond, Return: 300 * time.Millisecond, Restart: 100 * time.Millisecond,
	Stale: 300 * time.Millisecond, Drain: 300 * time.Millisecond}

// orQuick fills in what is not said.
func (t Timing) orQuick() Timing {
	for _, f := range []struct{ is, other *time.Duration }{
		{&t.Dead, &Quick.Dead}, {&t.Silent, &Quick.Silent}, {&t.Election, &Quick.Election}, {&t.NotReady, &Quick.NotReady}, {&t.Commit, &Quick.Commit},
		{&t.Forward, &Quick.Forward}, {&t.Return, &Quick.Return}, {&t.Restart, &Quick.Restart}, {&t.Stale, &Quick.Stale}, {&t.Drain, &Quick.Drain},
	} {
		if *f.is == 0 {
			*f.is = *f.other
		}
	}
	return t
}
