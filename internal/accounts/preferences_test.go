package accounts

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestPreferencesAreEachUsersOwn: what one stores replaces the own earlier ones and nobody else's, and goes with the login.
func TestPreferencesAreEachUsersOwn(t *testing.T) {
	t.Parallel()
	a := NewForTest(t, postgres.TestDB(t), Options{})
	rita, cora := uuid.New(), uuid.New()
	for user, name := range map[uuid.UUID]string{rita: "rita", cora: "cora"} {
		if err := a.AddLogin(t.Context(), Login{UserID: user, Username: name, Password: "long enough a password"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range []string{`{"columns":["ref"]}`, `{"columns":["ref","start"]}`} {
		if err := a.SetPreferences(t.Context(), rita, json.RawMessage(body)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(user uuid.UUID, body string) {
		t.Helper()
		got, err := a.Preferences(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		var g, w any
		if json.Unmarshal(got, &g) != nil || json.Unmarshal([]byte(body), &w) != nil {
			t.Fatalf("not JSON: %s", got)
		}
		if gb, _ := json.Marshal(g); string(gb) != body {
			t.Errorf("preferences are %s, want %s", gb, body)
		}
	}
	want(rita, `{"columns":["ref","start"]}`)
	want(cora, `{}`)
	if err := a.RemoveLogin(t.Context(), rita); err != nil {
		t.Fatal(err)
	}
	want(rita, `{}`)
}
