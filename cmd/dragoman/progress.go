package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells, once a second, how far long work is.
type progress struct {
	out         io.Writer
	what        string // is being done to things
	things      string // events or bytes, in the plural
	began, told time.Time
}

func newProgress(out io.Writer, what, things string) *progress {
	now := time.Now()
	return &progress{out: out, what: what, things: things, began: now, told: now}
}

// at says that n things are done; part of all is how much that is of the whole, of whatever kind.
func (p *progress) at(n int64, part, all float64) {
	if time.Since(p.told) < time.Second {
		return
	}
	p.told = time.Now()
	spent := p.told.Sub(p.began)
	left := "the time left is not known"
	if part > 0 && all >= part {
		left = time.Duration(float64(spent)*(all-part)/part).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.out, "%s: %d %s, %.0f a second, %s\n", p.what, n, p.things, float64(n)/spent.Seconds(), left)
}
