package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

var psqlLine = regexp.MustCompile(`psql '(\S+)'`)

// On a machine's private database, with a server running: the printed line signs in, reads what was booked before and after a rebuild, and is of
// no use any more once the login is removed.
func TestAnalystLogin(t *testing.T) {
	t.Parallel()
	data := postgres.TestDataDir(t)
	base := startInProcess(t, "demo", "--small", "--data", data)
	customer := signIn(t, base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	ref := customer.do("POST", "/bookings", faceToFace(location, "2031-05-06T10:00", 60)).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	customer.get("/jobs/" + ref) // the analyst reads what the read models have applied

	said := tell(t, "", "analyst", "login", "--data", data)
	printed := psqlLine.FindStringSubmatch(said)
	if printed == nil || !strings.Contains(said, "socket only") {
		t.Fatalf("analyst login says %s", said)
	}
	analyst, err := pgx.Connect(t.Context(), printed[1])
	if err != nil {
		t.Fatal(err)
	}
	defer analyst.Close(t.Context())
	for _, when := range []string{"before", "after"} {
		var jobs int
		if err := analyst.QueryRow(t.Context(), `select count(*) from jobs join customers using (customer) where ref = $1`, ref).Scan(&jobs); err != nil || jobs != 1 {
			t.Errorf("%s a rebuild the analyst finds %d jobs (%v)", when, jobs, err)
		}
		tell(t, "", "rebuild", "jobs", "people", "--data", data)
	}
	if _, err := analyst.Exec(t.Context(), `select * from kept.credentials`); err == nil {
		t.Error("the analyst reads logins")
	}
	if said := tell(t, "", "analyst", "remove", "--data", data); !strings.Contains(said, "dragoman_analyst is removed") {
		t.Errorf("analyst remove says %s", said)
	}
	if conn, err := pgx.Connect(t.Context(), printed[1]); err == nil {
		conn.Close(t.Context())
		t.Error("a removed login signs in")
	}
	if said, err := told(t, "", "analyst", "remove", "--data", data); err == nil || !strings.Contains(err.Error(), "there is no role") {
		t.Errorf("removed twice: %s (%v)", said, err)
	}
}
