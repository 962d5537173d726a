package gather

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// asked is a question whose answers wait until they are let go; it notes which keys were asked for together.
type asked struct {
	mu     sync.Mutex
	rounds [][]string
	let    chan error
}

func (a *asked) ask(_ context.Context, keys []string) (map[string]string, error) {
	a.mu.Lock()
	a.rounds = append(a.rounds, slices.Sorted(slices.Values(keys)))
	a.mu.Unlock()
	if err := <-a.let; err != nil {
		return nil, err
	}
	answers := map[string]string{}
	for _, k := range keys {
		if k != "unknown" {
			answers[k] = "answer to " + k
		}
	}
	return answers, nil
}

func TestWhoComesMeanwhileIsAskedForTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{let: make(chan error)}
		q := New(a.ask)
		var group sync.WaitGroup
		ask := func(key, want string) {
			group.Go(func() {
				got, found, err := q.Ask(t.Context(), key)
				if err != nil || got != want || found != (want != "") {
					t.Errorf("%s: got %q, %t, %v", key, got, found, err)
				}
			})
			synctest.Wait()
		}
		ask("a", "answer to a")
		for _, key := range []string{"b", "c", "b", "a"} { // a anew: what was asked before began before this caller came
			ask(key, "answer to "+key)
		}
		ask("unknown", "")
		a.let <- nil
		a.let <- nil
		group.Wait()
		ask("d", "answer to d")
		a.let <- nil
		group.Wait()
		if diff := cmp.Diff([][]string{{"a"}, {"a", "b", "c", "unknown"}, {"d"}}, a.rounds); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOneRoundsFaultIsNotTheNexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{let: make(chan error)}
		q := New(a.ask)
		fault := errors.New("cut")
		results := make(chan error, 3)
		gone, leave := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{t.Context(), gone, t.Context()} {
			go func() {
				_, _, err := q.Ask(ctx, "a")
				results <- err
			}()
			synctest.Wait()
		}
		leave() // who waits may leave; the others are answered all the same
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		a.let <- fault
		if err := <-results; !errors.Is(err, fault) {
			t.Errorf("the first got %v", err)
		}
		a.let <- nil
		if err := <-results; err != nil {
			t.Errorf("the next got %v", err)
		}
	})
}

func TestAPanicIsEverybodysError(t *testing.T) {
	t.Parallel()
	q := New(func(context.Context, []int) (map[int]int, error) { panic("broken") })
	for range 2 { // and the next is asked
		if _, _, err := q.Ask(t.Context(), 1); err == nil {
			t.Error("no error")
		}
	}
}
