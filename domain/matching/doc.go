// Package matching says who can do a job, in which order, and why (LL-23..34, M-03, N-03, N-04). It is pure: facts in, ranked candidates and
// their traces out. A search ([Rank]), one worker's trace ([Judge]) and the check before an offer or an assignment ([Check]) use the same rules,
// so that what a list promises a command does not refuse.
//
// A rule is one small function with an id, a version and a sentence. Some rules look at the worker alone ([Worker] against [Job]); others at a
// way of doing it, an [option]: at which start, in person or remotely. Each optional value of a booking widens the search (LL-34): alternative
// languages, flexibility and the remote option each bring in workers who could not do exactly what was asked for, ranked below those who can.
//
// The order, each step only among equals of the steps before it: preferred; the required language before an alternative one; the requested time
// before a shifted one; in person before remote; the gender wish met; minutes of travel, unknown last; hours already assigned in that week,
// fewer first; LIN.
//
// Shifted starts are tried in steps of a quarter of an hour around the requested one, the nearest first, and of two equally near ones the later.
package matching
