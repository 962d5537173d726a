package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

const password = "correct horse battery"

var office = netip.MustParseAddr("192.0.2.7")

// clock is a machine's clock that the test moves.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock() *clock {
	c := new(clock)
	start := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	c.at.Store(&start)
	return c
}

func (c *clock) now() time.Time { return *c.at.Load() }

func (c *clock) pass(d time.Duration) {
	later := c.now().Add(d)
	c.at.Store(&later)
}

func setUp(t *testing.T, o Options) (*Accounts, *pgxpool.Pool) {
	t.Helper()
	t.Parallel()
	db := postgres.TestDB(t)
	return NewForTest(t, db, o), db
}

func ana() Login {
	return Login{UserID: uuid.New(), Username: "Ana", Email: "Ana.Kos@Example.org", PIN: "004217", Password: password}
}

func mustAdd(t *testing.T, a *Accounts, l Login) uuid.UUID {
	t.Helper()
	if err := a.AddLogin(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	return l.UserID
}

func TestEveryNameLeadsToTheSameAccount(t *testing.T) { // LL-03, ES-02
	a, _ := setUp(t, Options{})
	id := mustAdd(t, a, ana())
	for _, name := range []string{"ana", "ANA", " Ana ", "ana.kos@example.org", "ANA.KOS@EXAMPLE.ORG", "004217"} {
		got, err := a.Authenticate(t.Context(), name, password, office)
		if err != nil || got.UserID != id {
			t.Errorf("signing in as %q: %v, %v", name, got.UserID, err)
		}
	}
}

func TestRefusalsSayNothing(t *testing.T) { // ES-26
	a, db := setUp(t, Options{PerName: 100, PerAddress: 100})
	id := mustAdd(t, a, ana())
	invited := Login{UserID: uuid.New(), Username: "invited"}
	mustAdd(t, a, invited)
	suspended := Login{UserID: uuid.New(), Username: "suspended", Password: password}
	mustAdd(t, a, suspended)
	if err := a.SuspendLogin(t.Context(), suspended.UserID); err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string][2]string{
		"wrong password":           {"ana", "wrong horse battery"},
		"unknown name":             {"nobody", password},
		"unknown e-mail":           {"no@example.org", password},
		"unknown PIN":              {"999999", password},
		"a name nobody can have":   {"two words", password},
		"a mail address with NUL":  {"x@\x00", password},
		"a mail address not UTF-8": {"x@\xff", password},
		"an endless name":          {strings.Repeat("a", 5000), password},
		"no password":              {"ana", ""},
		"no password chosen yet":   {"invited", ""},
		"an endless password":      {"ana", strings.Repeat("x", 5000)},
		"control characters":       {"ana", "correct\x00horse battery"},
		"suspended":                {"suspended", password},
		"the hash as the password": {"ana", value[string](t, db, `select password_hash from kept.credentials where user_id = $1`, id)},
	} {
		got, err := a.Authenticate(t.Context(), try[0], try[1], office)
		if err != ErrWrongCredentials || got != (SignedIn{}) {
			t.Errorf("%s: %v, %v; want ErrWrongCredentials and nothing else", what, got, err)
		}
	}
	if err := a.ReinstateLogin(t.Context(), suspended.UserID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), "suspended", password, office); err != nil {
		t.Errorf("reinstated: %v", err)
	}
}

// An unknown name costs one comparison with a hash of the same strength, as a known one does.
func TestUnknownNamesAreComparedWithADecoyOfTheSameStrength(t *testing.T) {
	t.Parallel()
	a := New(postgres.TestDB(t), Options{})
	mustAdd(t, a, ana())
	known := value[string](t, a.db, `select password_hash from kept.credentials`)
	if figures(known) != figures(a.decoy) {
		t.Errorf("a known name is compared with %s, an unknown one with %s", figures(known), figures(a.decoy))
	}
	if figures(known) != "$argon2id$v=19$m=65536,t=2,p=2" {
		t.Errorf("passwords are hashed with %s", figures(known))
	}
	if err := a.compare(t.Context(), nil, password); err != ErrWrongCredentials {
		t.Errorf("nobody's password: %v", err)
	}
}

func figures(hash string) string { return strings.Join(strings.Split(hash, "$")[:4], "$") }

func TestNamesAreTakenOnce(t *testing.T) {
	a, _ := setUp(t, Options{})
	first := ana()
	mustAdd(t, a, first)
	for field, l := range map[string]Login{
		"username": {Username: "ANA"},
		"email":    {Username: "other", Email: "ana.kos@EXAMPLE.org"},
		"pin":      {Username: "other", PIN: "004217"},
	} {
		l.UserID, l.Password = uuid.New(), password
		var taken *TakenError
		if err := a.AddLogin(t.Context(), l); !errors.As(err, &taken) || taken.Field != field {
			t.Errorf("taking another's %s: %v", field, err)
		}
	}
	first.Password = "another password"
	if err := a.AddLogin(t.Context(), first); err != nil {
		t.Errorf("the same login again: %v", err)
	}
	if _, err := a.Authenticate(t.Context(), "ana", password, office); err != nil {
		t.Errorf("adding the login again changed its password: %v", err)
	}
	first.Username = "renamed"
	var taken *TakenError
	if err := a.AddLogin(t.Context(), first); !errors.As(err, &taken) || taken.Field != "user" {
		t.Errorf("another login for the same user: %v", err)
	}

	second := Login{UserID: uuid.New(), Username: "ben", Password: password}
	mustAdd(t, a, second)
	if err := a.RenameLogin(t.Context(), second.UserID, "ben", "", "004217"); !errors.As(err, &taken) || taken.Field != "pin" {
		t.Errorf("renaming to a taken PIN: %v", err)
	}
	if err := a.RenameLogin(t.Context(), second.UserID, "benjamin", "ben@example.org", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), "ben", password, office); err != ErrWrongCredentials {
		t.Errorf("the old name: %v", err)
	}
	if got, err := a.UserByName(t.Context(), "ben@example.org"); err != nil || got != second.UserID {
		t.Errorf("the new e-mail leads to %v, %v", got, err)
	}
	if err := a.RenameLogin(t.Context(), uuid.New(), "x", "", ""); err != ErrNoLogin {
		t.Errorf("renaming nobody: %v", err)
	}
}

func TestRacedNamesAreGivenOnce(t *testing.T) {
	a, _ := setUp(t, Options{})
	var won atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var taken *TakenError
			switch err := a.AddLogin(context.Background(), Login{UserID: uuid.New(), Username: "one", Password: password}); {
			case err == nil:
				won.Add(1)
			case !errors.As(err, &taken):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d users got the same name", won.Load())
	}
}

func TestUnusableLogins(t *testing.T) {
	a, _ := setUp(t, Options{})
	for what, test := range map[string]struct {
		login Login
		field string
	}{
		"no name":                      {Login{Username: " "}, "username"},
		"a name with spaces":           {Login{Username: "two words"}, "username"},
		"a name like a PIN":            {Login{Username: "123456"}, "username"},
		"another's address as a name":  {Login{Username: "a@example.org", Email: "b@example.org"}, "username"},
		"no address":                   {Login{Username: "x", Email: "example.org"}, "email"},
		"five digits":                  {Login{Username: "x", PIN: "12345"}, "pin"},
		"letters":                      {Login{Username: "x", PIN: "12345a"}, "pin"},
		"a short password":             {Login{Username: "x", Password: "ninechars"}, "password"},
		"a long password":              {Login{Username: "x", Password: strings.Repeat("x", 257)}, "password"},
		"a password of nothing usable": {Login{Username: "x", Password: "\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f"}, "password"},
		"the name as the password":     {Login{Username: "averylongname", Password: "AVeryLongName"}, "password"},
		"the published password":       {Login{Username: "x", Password: DemoPassword}, "password"},
		"a demo login of real data":    {Login{Username: "x", Password: DemoPassword, Demo: true}, "demo"},
	} {
		test.login.UserID = uuid.New()
		var invalid *InvalidError
		err := a.AddLogin(t.Context(), test.login)
		if !errors.As(err, &invalid) || invalid.Field != test.field {
			t.Errorf("%s: %v; want a fault of %s", what, err, test.field)
		}
		if err != nil && test.login.Password != "" && strings.Contains(err.Error(), test.login.Password) {
			t.Errorf("%s: the error shows the password", what)
		}
	}
	byAddress := Login{UserID: uuid.New(), Username: "Only@Example.org", Password: password} // ES-02
	mustAdd(t, a, byAddress)
	if got, err := a.Authenticate(t.Context(), "only@example.org", password, office); err != nil || got.UserID != byAddress.UserID {
		t.Errorf("an address as the user name: %v, %v", got, err)
	}
}

func TestTheSameCharactersAreTheSamePassword(t *testing.T) {
	a, _ := setUp(t, Options{})
	composed, decomposed := "r\u00e9sum\u00e9 battery", "re\u0301sume\u0301 battery"
	mustAdd(t, a, Login{UserID: uuid.New(), Username: "x", Password: composed})
	if _, err := a.Authenticate(t.Context(), "x", decomposed, office); err != nil {
		t.Errorf("typed on another keyboard: %v", err)
	}
}

func TestFailuresAreLimitedByName(t *testing.T) { // LL-03
	c := newClock()
	a, _ := setUp(t, Options{PerName: 3, PerAddress: 100, Now: c.now})
	mustAdd(t, a, ana())
	fail := func(from string) error {
		_, err := a.Authenticate(t.Context(), "ana", "a wrong password", netip.MustParseAddr(from))
		return err
	}
	for i := range 3 {
		if err := fail(fmt.Sprintf("192.0.2.%d", i)); err != ErrWrongCredentials {
			t.Fatalf("failure %d: %v", i, err)
		}
		c.pass(time.Minute)
	}
	for _, password := range []string{"a wrong password", password} {
		_, err := a.Authenticate(t.Context(), "ANA", password, office)
		var limited *RateLimitError
		if !errors.As(err, &limited) || limited.RetryAfter != 12*time.Minute {
			t.Errorf("past the limit: %v; want to retry in the 12 minutes that the window has left", err)
		}
	}
	if _, err := a.Authenticate(t.Context(), "unknown", password, office); err != ErrWrongCredentials {
		t.Errorf("another name: %v", err)
	}
	c.pass(12 * time.Minute)
	if _, err := a.Authenticate(t.Context(), "ana", password, office); err != nil {
		t.Errorf("in the next window: %v", err)
	}
	for i := range 3 { // the success cleared the count
		if err := fail("192.0.2.9"); err != ErrWrongCredentials {
			t.Errorf("failure %d after a success: %v", i, err)
		}
	}
}

func TestFailuresAreLimitedByAddress(t *testing.T) {
	c := newClock()
	a, _ := setUp(t, Options{PerName: 100, PerAddress: 3, Now: c.now})
	mustAdd(t, a, ana())
	try := func(name, password, from string) error {
		_, err := a.Authenticate(t.Context(), name, password, netip.MustParseAddr(from))
		return err
	}
	for i, from := range []string{"2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:f::3"} { // one subscriber's /64
		if err := try(fmt.Sprint("unknown", i), "a wrong password", from); err != ErrWrongCredentials {
			t.Fatal(err)
		}
		if err := try("ana", password, "2001:db8:0:1::4"); err != nil && i < 2 {
			t.Errorf("a success within the limit: %v", err)
		}
	}
	var limited *RateLimitError
	if err := try("ana", password, "2001:db8:0:1::5"); !errors.As(err, &limited) {
		t.Errorf("past the limit of a network: %v", err)
	}
	if err := try("ana", password, "2001:db8:0:2::5"); err != nil {
		t.Errorf("from another network: %v", err)
	}
	if err := try("ana", password, "::ffff:192.0.2.1"); err != nil {
		t.Errorf("from an IPv4 address: %v", err)
	}
	c.pass(15 * time.Minute)
	if err := try("ana", password, "2001:db8:0:1::5"); err != nil {
		t.Errorf("in the next window: %v", err)
	}
}

func TestGuessesSentAtOnceCountEach(t *testing.T) {
	a, _ := setUp(t, Options{PerName: 5, PerAddress: 100})
	mustAdd(t, a, ana())
	var wrong atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			var limited *RateLimitError
			switch _, err := a.Authenticate(context.Background(), "ana", "a wrong password", office); {
			case err == ErrWrongCredentials:
				wrong.Add(1)
			case !errors.As(err, &limited):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if wrong.Load() != 5 {
		t.Errorf("%d guesses were looked at, want 5", wrong.Load())
	}
}

// An office shares an address: whoever keeps on asking for a locked name there takes nothing from the others.
func TestARefusedSignInCostsNothing(t *testing.T) {
	c := newClock()
	a, _ := setUp(t, Options{PerName: 2, PerAddress: 4, Now: c.now})
	mustAdd(t, a, ana())
	var limited *RateLimitError
	for i := range 20 {
		_, err := a.Authenticate(t.Context(), "somebody", "a wrong password", office)
		if i < 2 && err != ErrWrongCredentials || i >= 2 && !errors.As(err, &limited) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	for range 5 {
		if _, err := a.Authenticate(t.Context(), "ana", password, office); err != nil {
			t.Errorf("a colleague: %v", err)
		}
	}
}

// A server may die while it checks passwords. They were no failures, and whoever starts it again must be let in.
func TestAServerThatDiedCountsAgainstNobodyForLong(t *testing.T) {
	c := newClock()
	a, _ := setUp(t, Options{PerName: 3, PerAddress: 100, Now: c.now})
	mustAdd(t, a, ana())
	name, address := countKey("name", "ana"), countKey("address", network(office))
	for range 3 {
		died := a.counted(t.Context(), name, address, func(context.Context) error { return errors.New("the server died") })
		if died == nil {
			t.Fatal("nothing died")
		}
	}
	_, err := a.Authenticate(t.Context(), "ana", password, office)
	if limited := (*RateLimitError)(nil); !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Errorf("while they may still be under way: %v", err)
	}
	c.pass(attemptLife)
	for i := range 3 {
		if _, err := a.Authenticate(t.Context(), "ana", "a wrong password", office); err != ErrWrongCredentials {
			t.Errorf("guess %d afterwards: %v", i, err)
		}
	}
	if _, err := a.Authenticate(t.Context(), "ana", password, office); err == nil {
		t.Error("no limit afterwards")
	}
}

// More sign in at once than may fail: some have to ask again, all get in, and nothing is left counted.
func TestManySignInAtOnce(t *testing.T) {
	a, db := setUp(t, Options{PerName: 3, PerAddress: 100})
	mustAdd(t, a, ana())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for {
				_, err := a.Authenticate(context.Background(), "ana", password, office)
				var limited *RateLimitError
				switch {
				case err == nil:
					return
				case !errors.As(err, &limited) || limited.RetryAfter != time.Second:
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := value[int](t, db, `select sum(failures + cardinality(under_way)) from kept.sign_in_attempts`); n != 0 {
		t.Errorf("%d are left counted", n)
	}
}

func TestSessions(t *testing.T) {
	c := newClock()
	a, db := setUp(t, Options{Now: c.now})
	id := mustAdd(t, a, ana())
	token, expires, err := a.CreateSession(t.Context(), id, Bearer)
	if err != nil {
		t.Fatal(err)
	}
	if want := c.now().Add(24 * time.Hour); !expires.Equal(want) {
		t.Errorf("it expires at %v, want %v", expires, want)
	}
	if found := value[int](t, db, `select count(*) from kept.sessions where position($1::bytea in token_hash) > 0 or token_hash = $1`, []byte(token)); found != 0 {
		t.Error("the token itself lies in the database")
	}
	s, err := a.Lookup(t.Context(), token)
	if err != nil || s.UserID != id || s.Kind != Bearer || !s.ExpiresAt.Equal(expires) {
		t.Errorf("looked up %+v, %v", s, err)
	}
	for what, wrong := range map[string]string{"none": "", "another": token[:len(token)-1] + "!", "an API token's": apiToken + token[4:], "no kind": token[4:]} {
		if _, err := a.Lookup(t.Context(), wrong); err != ErrNoSession {
			t.Errorf("%s: %v", what, err)
		}
	}
	c.pass(24*time.Hour - time.Second)
	if _, err := a.Lookup(t.Context(), token); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	if seen := value[time.Time](t, db, `select last_seen_at from kept.sessions`); !seen.Equal(c.now()) {
		t.Errorf("last seen at %v, want %v", seen, c.now())
	}
	c.pass(time.Second)
	if _, err := a.Lookup(t.Context(), token); err != ErrNoSession {
		t.Errorf("at its end: %v", err)
	}
	if err := a.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := value[int](t, db, `select count(*) from kept.sessions`); left != 0 {
		t.Errorf("%d sessions left after the sweep", left)
	}
	if _, _, err := a.CreateSession(t.Context(), uuid.New(), Cookie); err != ErrNoLogin {
		t.Errorf("a session for nobody: %v", err)
	}
}

func TestPortalSessionsEndWhenIdle(t *testing.T) {
	c := newClock()
	a, _ := setUp(t, Options{Now: c.now, CookieLife: 12 * time.Hour, CookieIdle: 2 * time.Hour})
	id := mustAdd(t, a, ana())
	cookie, _, err := a.CreateSession(t.Context(), id, Cookie)
	if err != nil {
		t.Fatal(err)
	}
	bearer, _, err := a.CreateSession(t.Context(), id, Bearer)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.pass(2*time.Hour - time.Minute)
		if _, err := a.Lookup(t.Context(), cookie); err != nil {
			t.Fatalf("in use: %v", err)
		}
	}
	c.pass(2 * time.Hour)
	if _, err := a.Lookup(t.Context(), cookie); err != ErrNoSession {
		t.Errorf("a cookie idle for two hours: %v", err)
	}
	if _, err := a.Lookup(t.Context(), bearer); err != nil {
		t.Errorf("a program's session does not idle out: %v", err)
	}
}

func TestRevokingWorksAtOnce(t *testing.T) {
	a, _ := setUp(t, Options{})
	id := mustAdd(t, a, ana())
	session := func() string {
		token, _, err := a.CreateSession(t.Context(), id, Bearer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Lookup(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		return token
	}
	for what, revoke := range map[string]func(token string) error{
		"signing out":            func(token string) error { return a.DeleteSession(t.Context(), token) },
		"signing out everywhere": func(string) error { return a.DeleteSessions(t.Context(), id) },
		"an operator's password": func(string) error { return a.SetPassword(t.Context(), id, password, false) },
		"suspending": func(string) error {
			return errors.Join(a.SuspendLogin(t.Context(), id), a.ReinstateLogin(t.Context(), id))
		},
	} {
		token, other := session(), session()
		if err := revoke(token); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := a.Lookup(t.Context(), token); err != ErrNoSession {
			t.Errorf("after %s the session works: %v", what, err)
		}
		if _, err := a.Lookup(t.Context(), other); what == "signing out" && err != nil {
			t.Errorf("signing out ended another session: %v", err)
		}
	}
	if err := a.RemoveLogin(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveLogin(t.Context(), id); err != nil {
		t.Errorf("removing it again: %v", err)
	}
	if _, err := a.Authenticate(t.Context(), "ana", password, office); err != ErrWrongCredentials {
		t.Errorf("a removed login: %v", err)
	}
}

func TestAPITokens(t *testing.T) {
	c := newClock()
	a, _ := setUp(t, Options{Now: c.now})
	id := mustAdd(t, a, ana())
	token, tokenID, err := a.CreateAPIToken(t.Context(), id, "nightly export", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	brief, _, err := a.CreateAPIToken(t.Context(), id, "trial", c.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Hour)
	s, err := a.Lookup(t.Context(), token)
	if err != nil || s.UserID != id || s.Kind != API || s.TokenID != tokenID || !s.ExpiresAt.IsZero() {
		t.Errorf("looked up %+v, %v", s, err)
	}
	if _, err := a.Lookup(t.Context(), brief); err != ErrNoSession {
		t.Errorf("an expired token: %v", err)
	}
	if err := a.SuspendLogin(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Lookup(t.Context(), token); err != ErrNoSession {
		t.Errorf("a suspended user's token: %v", err)
	}
	if err := a.ReinstateLogin(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := a.RevokeAPIToken(t.Context(), uuid.New(), tokenID); err != ErrBadToken {
		t.Errorf("revoking another's token: %v", err)
	}
	for range 2 {
		if err := a.RevokeAPIToken(t.Context(), id, tokenID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Lookup(t.Context(), token); err != ErrNoSession {
		t.Errorf("a revoked token: %v", err)
	}
	list, err := a.APITokens(t.Context(), id)
	if err != nil || len(list) != 2 || list[0].Name == list[1].Name {
		t.Fatalf("listed %+v, %v", list, err)
	}
	for _, listed := range list {
		if listed.ID == tokenID && (listed.RevokedAt == nil || listed.LastUsedAt == nil || listed.ExpiresAt != nil) {
			t.Errorf("the revoked token is listed as %+v", listed)
		}
	}
	var invalid *InvalidError
	if _, _, err := a.CreateAPIToken(t.Context(), id, " ", time.Time{}); !errors.As(err, &invalid) {
		t.Errorf("a token for nothing: %v", err)
	}
}

func TestIssuedPasswordIsChanged(t *testing.T) { // II-03, II-07
	a, _ := setUp(t, Options{})
	l := ana()
	l.MustChange = true
	id := mustAdd(t, a, l)
	got, err := a.Authenticate(t.Context(), "ana", password, office)
	if err != nil || !got.MustChange {
		t.Fatalf("first sign-in: %+v, %v", got, err)
	}
	mine, _, err := a.CreateSession(t.Context(), id, Cookie)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := a.CreateSession(t.Context(), id, Cookie)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := a.Lookup(t.Context(), mine); err != nil || !s.MustChange {
		t.Errorf("the session before: %+v, %v", s, err)
	}
	if err := a.ChangePassword(t.Context(), id, "a wrong password", "my own password", mine); err != ErrWrongCredentials {
		t.Errorf("with a wrong password: %v", err)
	}
	var invalid *InvalidError
	for _, short := range []string{"", "short"} {
		if err := a.ChangePassword(t.Context(), id, password, short, mine); !errors.As(err, &invalid) || invalid.Why != "it needs at least 10 characters" {
			t.Errorf("to %q: %v", short, err)
		}
	}
	if err := a.ChangePassword(t.Context(), id, password, "my own password", mine); err != nil {
		t.Fatal(err)
	}
	if s, err := a.Lookup(t.Context(), mine); err != nil || s.MustChange {
		t.Errorf("the session after: %+v, %v", s, err)
	}
	if _, err := a.Lookup(t.Context(), other); err != ErrNoSession {
		t.Errorf("another session goes on: %v", err)
	}
	if _, err := a.Authenticate(t.Context(), "ana", password, office); err != ErrWrongCredentials {
		t.Errorf("the issued password still works: %v", err)
	}
	if got, err := a.Authenticate(t.Context(), "ana", "my own password", office); err != nil || got.MustChange {
		t.Errorf("the chosen password: %+v, %v", got, err)
	}
}

func TestChangingThePasswordIsNoWayToGuessIt(t *testing.T) {
	a, _ := setUp(t, Options{PerName: 2})
	id := mustAdd(t, a, ana())
	for range 2 {
		if err := a.ChangePassword(t.Context(), id, "a wrong password", "my own password", ""); err != ErrWrongCredentials {
			t.Fatal(err)
		}
	}
	var limited *RateLimitError
	if err := a.ChangePassword(t.Context(), id, password, "my own password", ""); !errors.As(err, &limited) {
		t.Errorf("past the limit: %v", err)
	}
}

func TestWeakHashesAreStrengthenedAtSignIn(t *testing.T) {
	cheap, db := setUp(t, Options{})
	mustAdd(t, cheap, ana())
	strong := New(db, Options{})
	for range 2 {
		if _, err := strong.Authenticate(t.Context(), "ana", password, office); err != nil {
			t.Fatal(err)
		}
		if got := figures(value[string](t, db, `select password_hash from kept.credentials`)); got != figures(strong.decoy) {
			t.Errorf("after signing in the hash is %s", got)
		}
	}
}

func TestSetup(t *testing.T) {
	c := newClock()
	a, _ := setUp(t, Options{Now: c.now})
	token, err := a.CreateSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.CreateSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	admin := Login{Username: "boss", Password: password}
	if _, err := a.BeginSetup(t.Context(), oneTimeToken+newSecret(), admin); err != ErrBadToken {
		t.Errorf("with a made-up token: %v", err)
	}
	id, err := a.BeginSetup(t.Context(), token, admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.BeginSetup(t.Context(), second, Login{Username: "rival", Password: password}); err != ErrNotEmpty {
		t.Errorf("another token while the first admin is made: %v", err)
	}
	admin.Username = "chief" // the process crashed before the event; the form is sent again
	again, err := a.BeginSetup(t.Context(), token, admin)
	if err != nil || again != id {
		t.Errorf("sent again: user %v, %v; want %v", again, err, id)
	}
	if err := a.FinishSetup(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, used := range []string{token, second} {
		if _, err := a.BeginSetup(t.Context(), used, admin); err != ErrBadToken {
			t.Errorf("after the setup: %v", err)
		}
	}
	if _, err := a.CreateSetupToken(t.Context()); err != ErrNotEmpty {
		t.Errorf("a new token for a deployment with users: %v", err)
	}
	if got, err := a.Authenticate(t.Context(), "chief", password, office); err != nil || got.UserID != id {
		t.Errorf("the admin signs in: %v, %v", got, err)
	}
}

func TestSetupRacedMakesOneAdmin(t *testing.T) {
	a, _ := setUp(t, Options{})
	var won atomic.Int32
	var tokens []string // made before the race: once there is an admin, none is made any more
	for range 4 {
		token, err := a.CreateSetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			switch _, err := a.BeginSetup(context.Background(), token, Login{Username: fmt.Sprint("boss", i), Password: password}); err {
			case nil:
				won.Add(1)
			case ErrNotEmpty:
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d admins were made", won.Load())
	}
}

func TestPasswordLinks(t *testing.T) { // D-14, ES-06
	c := newClock()
	a, _ := setUp(t, Options{Now: c.now})
	id := mustAdd(t, a, Login{UserID: uuid.New(), Username: "invited"})
	replaced, err := a.CreatePasswordToken(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.CreatePasswordToken(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	works := func(what, token string, want bool) {
		t.Helper()
		if got, err := a.PasswordTokenWorks(t.Context(), token); err != nil || got != want {
			t.Errorf("%s works: %t, %v", what, got, err)
		}
	}
	works("a replaced link", replaced, false)
	works("no link", "", false)
	works("a fresh link", token, true)
	works("a fresh link that was looked at", token, true)
	if _, err := a.RedeemPasswordToken(t.Context(), replaced, password); err != ErrBadToken {
		t.Errorf("a replaced link: %v", err)
	}
	var invalid *InvalidError
	if _, err := a.RedeemPasswordToken(t.Context(), token, "short"); !errors.As(err, &invalid) {
		t.Errorf("a short password: %v", err)
	}
	if got, err := a.RedeemPasswordToken(t.Context(), token, password); err != nil || got != id {
		t.Errorf("redeemed for %v, %v", got, err)
	}
	if _, err := a.RedeemPasswordToken(t.Context(), token, password); err != ErrBadToken {
		t.Errorf("used twice: %v", err)
	}
	works("a used link", token, false)
	if got, err := a.Authenticate(t.Context(), "invited", password, office); err != nil || got.UserID != id {
		t.Errorf("signing in with it: %v, %v", got, err)
	}
	late, err := a.CreatePasswordToken(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(passwordLife)
	works("a link three days later", late, false)
	if _, err := a.RedeemPasswordToken(t.Context(), late, password); err != ErrBadToken {
		t.Errorf("three days later: %v", err)
	}
	if _, err := a.CreatePasswordToken(t.Context(), uuid.New()); err != ErrNoLogin {
		t.Errorf("a link for nobody: %v", err)
	}
}

func TestDatabaseBelongsToOneDeployment(t *testing.T) {
	a, _ := setUp(t, Options{})
	if have, err := a.Deployment(t.Context()); err != nil || have != uuid.Nil {
		t.Errorf("an empty database belongs to %v, %v", have, err)
	}
	id := uuid.New()
	for range 2 {
		if err := a.EnsureDeployment(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.EnsureDeployment(t.Context(), uuid.New()); !errors.Is(err, ErrOtherDeployment) {
		t.Errorf("another log: %v", err)
	}
	if have, err := a.Deployment(t.Context()); err != nil || have != id {
		t.Errorf("it belongs to %v, %v", have, err)
	}
}

func TestDemoLoginsWorkOnTheDemosDataOnly(t *testing.T) {
	a, db := setUp(t, Options{})
	if err := a.EnsureDeployment(t.Context(), uuid.New()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.MarkDemo(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mustAdd(t, a, Login{UserID: uuid.New(), Username: "assigner", Password: DemoPassword, Demo: true})
	if _, err := a.Authenticate(t.Context(), "assigner", DemoPassword, office); err != nil {
		t.Fatalf("on the demo's data: %v", err)
	}
	// The same rows under a deployment that the demo did not make: an operator's copy, say.
	if _, err := db.Exec(t.Context(), `update kept.deployment set demo = false`); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), "assigner", DemoPassword, office); err != ErrWrongCredentials {
		t.Errorf("on real data: %v", err)
	}
	if err := a.MarkDemo(t.Context()); err != ErrNotEmpty {
		t.Errorf("making real data the demo's: %v", err)
	}
}

func value[T any](t *testing.T, db *pgxpool.Pool, query string, args ...any) T {
	t.Helper()
	rows, _ := db.Query(t.Context(), query, args...)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func TestNamesTellNoSecret(t *testing.T) {
	a, _ := setUp(t, Options{})
	id := mustAdd(t, a, ana())
	invited := mustAdd(t, a, Login{UserID: uuid.New(), Username: "invited"})
	if err := a.SetPassword(t.Context(), id, "a password that was issued", true); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[uuid.UUID]LoginNames{id: {Username: "ana", PIN: "004217", HasPassword: true, MustChange: true}, invited: {Username: "invited"}} {
		if got, err := a.Names(t.Context(), user); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if _, err := a.Names(t.Context(), uuid.New()); !errors.Is(err, ErrNoLogin) {
		t.Errorf("a user without a login: %v", err)
	}
}
