package diary

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
)

var (
	ana  = domain.InterpreterID("LIN/5455/5J71Y")
	noon = time.Date(2020, 3, 26, 12, 0, 0, 0, time.UTC)
)

func id(name string) uuid.UUID { return domain.InterpreterID(name) }

// window is a reservation for a job, from and to so many minutes from noon.
func window(name, job string, from, to int) Reservation {
	return Reservation{
		ID: id(name), Job: id(job), Booking: id("booking of " + job),
		Start: noon.Add(time.Duration(from) * time.Minute), End: noon.Add(time.Duration(to) * time.Minute),
	}
}

func reserved(r ...Reservation) Event { return Reserved{Interpreter: ana, Reservations: r} }

func released(names ...string) Event {
	e := Released{Interpreter: ana, Why: "ended"}
	for _, n := range names {
		e.Reservations = append(e.Reservations, id(n))
	}
	return e
}

type story struct{ events []Event }

func given(events ...Event) story { return story{events} }

type tried struct {
	state State
	wish  func(State) ([]Event, error)
}

func (s story) reserve(wanted []Reservation, replaces ...uuid.UUID) tried {
	return tried{Fold(s.events), func(s State) ([]Event, error) { return Reserve(s, ana, wanted, replaces...) }}
}

func (s story) release(names ...string) tried {
	var ids []uuid.UUID
	for _, n := range names {
		ids = append(ids, id(n))
	}
	return tried{Fold(s.events), func(s State) ([]Event, error) { return Release(s, ana, ids, "ended"), nil }}
}

// then expects these events, and silence when the same is wished again.
func (r tried) then(t *testing.T, want ...Event) {
	t.Helper()
	got, err := r.wish(r.state)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	after := r.state
	for _, e := range got {
		after = Evolve(after, e)
	}
	if again, err := r.wish(after); err != nil || len(again) > 0 {
		t.Fatalf("again: %v, %v", again, err)
	}
}

func (r tried) refused(t *testing.T, clashes ...Clash) {
	t.Helper()
	_, err := r.wish(r.state)
	var double *DoubleBooked
	var no *domain.Refusal
	if !errors.As(err, &double) || !errors.As(err, &no) || no.Code != "double-booked" || no.Status != 409 {
		t.Fatalf("want double-booked, got %v", err)
	}
	if diff := cmp.Diff(clashes, double.Clashes); diff != "" {
		t.Fatalf("clashes (-want +got):\n%s", diff)
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	a := window("r1", "a", 0, 60)
	t.Run("free time is kept", func(t *testing.T) {
		given().reserve([]Reservation{a}).then(t, reserved(a))
	})
	t.Run("the same id again is nothing", func(t *testing.T) {
		given(reserved(a)).reserve([]Reservation{a}).then(t)
	})
	t.Run("a window may begin where another ends", func(t *testing.T) {
		b := window("r2", "b", 60, 120)
		given(reserved(a)).reserve([]Reservation{b}).then(t, reserved(b))
	})
	for name, b := range map[string]Reservation{
		"a minute at the end": window("r2", "b", 59, 120), "a minute at the start": window("r2", "b", -60, 1),
		"inside": window("r2", "b", 10, 20), "around": window("r2", "b", -10, 90), "the same": window("r2", "b", 0, 60),
	} {
		t.Run("another job clashes: "+name, func(t *testing.T) {
			given(reserved(a)).reserve([]Reservation{b}).refused(t, Clash{id("b"), id("a")})
		})
	}
	t.Run("a job's own old window does not clash", func(t *testing.T) {
		moved := window("r2", "a", 30, 90)
		given(reserved(a)).reserve([]Reservation{moved}, id("r1")).then(t, reserved(moved))
	})
	t.Run("one clash refuses the whole set", func(t *testing.T) {
		given(reserved(a)).reserve([]Reservation{window("r2", "b", 120, 180), window("r3", "c", 30, 40)}).refused(t, Clash{id("c"), id("a")})
	})
	t.Run("wanted windows clash with each other", func(t *testing.T) {
		given().reserve([]Reservation{window("r2", "b", 0, 60), window("r3", "c", 30, 40)}).refused(t, Clash{id("c"), id("b")})
	})
	t.Run("a window that is over is recorded unchecked", func(t *testing.T) {
		past := window("r2", "b", 0, 60)
		past.Unchecked = true
		given(reserved(a)).reserve([]Reservation{past}).then(t, reserved(past))
	})
	t.Run("released time is free", func(t *testing.T) {
		b := window("r2", "b", 0, 60)
		given(reserved(a), released("r1")).reserve([]Reservation{b}).then(t, reserved(b))
	})
}

func TestRelease(t *testing.T) {
	t.Parallel()
	a, b := window("r1", "a", 0, 60), window("r2", "b", 60, 120)
	given(reserved(a, b)).release("r1").then(t, released("r1"))
	given(reserved(a, b)).release("r2", "unknown", "r2").then(t, released("r2"))
	given(reserved(a), released("r1")).release("r1").then(t)
}

func TestCarryForward_OnceAYearAndOnlyWhenLong(t *testing.T) {
	t.Parallel()
	var s State
	for i := range LongStream / 2 {
		name := fmt.Sprint(i)
		s = Evolve(s, reserved(window(name, name, i*60, i*60+60)))
		if CarryForward(s, noon) != nil {
			t.Fatalf("carried forward after %d events", s.Events)
		}
		if i > 2 {
			s = Evolve(s, released(name))
		} else {
			s = Evolve(s, released("unknown"))
		}
	}
	s = Evolve(s, released("unknown"))
	got := CarryForward(s, noon)
	if len(got) != 1 {
		t.Fatalf("not carried forward after %d events", s.Events)
	}
	after := Evolve(s, got[0])
	if diff := cmp.Diff(s.Held, after.Held); diff != "" || len(after.Held) != 3 || after.Year != 2020 || after.Events != 0 {
		t.Fatalf("carried forward: %+v %s", after, diff)
	}
	for range LongStream + 1 {
		after = Evolve(after, released("unknown"))
	}
	if CarryForward(after, noon) != nil {
		t.Error("carried forward twice in a year")
	}
	if CarryForward(after, noon.AddDate(1, 0, 0)) == nil {
		t.Error("not carried forward in the next year")
	}
}

// TestPropertyNothingIsEverDoubleBooked sends random reservations and releases, and carries forward at random.
func TestPropertyNothingIsEverDoubleBooked(t *testing.T) {
	t.Parallel()
	var accepted, refused int
	rapid.Check(t, func(t *rapid.T) {
		var s State
		var events []Event
		for i := range rapid.IntRange(1, 25).Draw(t, "steps") {
			before := Fold(events)
			var got []Event
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				if len(s.Held) > 0 {
					r := rapid.SampledFrom(s.Held).Draw(t, "held")
					got = Release(s, ana, []uuid.UUID{r.ID}, "ended")
				}
			case 1:
				got = []Event{CarriedForward{Interpreter: ana, Year: 2020 + i, Reservations: slices.Clone(s.Held)}}
			default:
				from := rapid.IntRange(0, 600).Draw(t, "from")
				w := window(fmt.Sprint("r", i), fmt.Sprint("job", rapid.IntRange(0, 6).Draw(t, "job")), from, from+rapid.IntRange(1, 120).Draw(t, "length"))
				got, err = Reserve(s, ana, []Reservation{w})
				if err != nil {
					refused++
				} else {
					accepted++
				}
			}
			for _, e := range got {
				s = Evolve(s, e)
			}
			if diff := cmp.Diff(before, Fold(events), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("Evolve wrote into its input: %s", diff)
			}
			events = append(events, got...)
			for i, a := range s.Held {
				for _, b := range s.Held[i+1:] {
					if a.Job != b.Job && Overlap(a, b) {
						t.Fatalf("double booked: %v and %v", a, b)
					}
				}
			}
		}
		if diff := cmp.Diff(Fold(events), s, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("folding at once differs from folding in steps: %s", diff)
		}
	})
	if total := accepted + refused; accepted*10 < total || refused*10 < total {
		t.Fatalf("of %d reservations %d were accepted, %d refused: the property says too little", total, accepted, refused)
	}
}
