package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestDraftsOfForms: a draft is its user's own, changes of one come one after the other, a refused change changes nothing, and drafts go with the login.
func TestDraftsOfForms(t *testing.T) {
	t.Parallel()
	a := NewForTest(t, postgres.TestDB(t), Options{})
	ada, bob := uuid.New(), uuid.New()
	for user, name := range map[uuid.UUID]string{ada: "ada", bob: "bob"} {
		if err := a.AddLogin(t.Context(), Login{UserID: user, Username: name, Password: "long enough a password"}); err != nil {
			t.Fatal(err)
		}
	}
	start := FormDraft{BasedOn: 3, Body: json.RawMessage(`{"n": 0}`)}
	type counted struct{ N int }
	once := func(d FormDraft) (FormDraft, error) {
		var c counted
		if err := json.Unmarshal(d.Body, &c); err != nil {
			return d, err
		}
		d.Body = json.RawMessage(fmt.Sprintf(`{"n": %d}`, c.N+1))
		return d, nil
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := a.ChangeFormDraft(t.Context(), ada, "remote", start, once); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	no := errors.New("no")
	if err := a.ChangeFormDraft(t.Context(), ada, "remote", start, func(d FormDraft) (FormDraft, error) { return FormDraft{}, no }); !errors.Is(err, no) {
		t.Errorf("a refused change: %v", err)
	}
	d, there, err := a.FormDraft(t.Context(), ada, "remote")
	var c counted
	if err != nil || !there || json.Unmarshal(d.Body, &c) != nil || c.N != 8 || d.BasedOn != 3 {
		t.Errorf("after eight changes at once: %s on %d, %v, %v", d.Body, d.BasedOn, there, err)
	}
	if _, there, err := a.FormDraft(t.Context(), bob, "remote"); there || err != nil {
		t.Errorf("somebody else has it: %v, %v", there, err)
	}
	if drafts, err := a.FormDrafts(t.Context(), ada); err != nil || len(drafts) != 1 {
		t.Errorf("drafts %v, %v", drafts, err)
	}
	for range 2 {
		if err := a.RemoveFormDraft(t.Context(), ada, "remote"); err != nil {
			t.Error(err)
		}
	}
	if drafts, err := a.FormDrafts(t.Context(), ada); err != nil || len(drafts) != 0 {
		t.Errorf("removed, there are %v, %v", drafts, err)
	}
	if err := a.ChangeFormDraft(t.Context(), bob, "remote", start, once); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveLogin(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	if _, there, err := a.FormDraft(t.Context(), bob, "remote"); there || err != nil {
		t.Errorf("a draft outlived its login: %v, %v", there, err)
	}
}

// TestAPublishedDraftEnds: a draft ends with the body that was published, and stays when it was changed meanwhile; what was added is remembered with it.
func TestAPublishedDraftEnds(t *testing.T) {
	t.Parallel()
	a := NewForTest(t, postgres.TestDB(t), Options{})
	ada := uuid.New()
	if err := a.AddLogin(t.Context(), Login{UserID: ada, Username: "ada", Password: "long enough a password"}); err != nil {
		t.Fatal(err)
	}
	becomes := func(body string, added ...string) {
		t.Helper()
		if err := a.ChangeFormDraft(t.Context(), ada, "remote", FormDraft{BasedOn: 1, Body: json.RawMessage(`{}`)}, func(d FormDraft) (FormDraft, error) {
			d.Body, d.Added = json.RawMessage(body), append(d.Added, added...)
			return d, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	becomes(`{"n": 1, "m": [2]}`, "one")
	published, _, err := a.FormDraft(t.Context(), ada, "remote")
	if err != nil {
		t.Fatal(err)
	}
	becomes(`{"n": 2, "m": [2]}`, "two")
	if err := a.FormPublished(t.Context(), ada, "remote", published.Body); err != nil {
		t.Fatal(err)
	}
	left, there, err := a.FormDraft(t.Context(), ada, "remote")
	if err != nil || !there || string(left.Body) == string(published.Body) || left.BasedOn != 1 || !slices.Equal(left.Added, []string{"one", "two"}) {
		t.Errorf("changed while it was published: %s on %d, added %v, %v, %v", left.Body, left.BasedOn, left.Added, there, err)
	}
	if err := a.FormPublished(t.Context(), ada, "remote", left.Body); err != nil {
		t.Fatal(err)
	}
	if _, there, err := a.FormDraft(t.Context(), ada, "remote"); there || err != nil {
		t.Errorf("published as it stood, there is %v, %v", there, err)
	}
}
