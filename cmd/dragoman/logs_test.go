package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestFaultsAreLoggedWithoutValues has the database refuse rows and quote them, as it does with every row that it refuses: at a request, and at a
// read model, which stops. Both are in the server's log, by their SQLSTATE; what the rows held is not.
func TestFaultsAreLoggedWithoutValues(t *testing.T) {
	t.Parallel()
	const planted = "Xaverius Quillfeather"
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			database := postgres.TestURL(t)
			server := startProcess(t, "demo", "--small", "--data", t.TempDir(), "--database-url", database, "--listen", "127.0.0.1:0",
				"--log-level", "debug", "--log-format", format)
			customer, auditor := signIn(t, server.base, "requestor"), signIn(t, server.base, "auditor")
			location := customer.get("/locations").items()[0]["id"].(string)
			pool, err := postgres.Open(t.Context(), database, postgres.PoolOptions{MaxConns: 1, Name: "test"})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var schema string
			if err := pool.QueryRow(t.Context(), `select format('rm_jobs_%s', generation) from kept.models where model = 'jobs'`).Scan(&schema); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), `
				create function public.refuse() returns trigger language plpgsql as $$
				begin raise exception 'refused: %', new using errcode = '22023', detail = new::text; end $$;
				create trigger refuse before insert or update on kept.preferences for each row execute function public.refuse();
				create trigger refuse before insert on `+schema+`.details for each row execute function public.refuse();`); err != nil {
				t.Fatal(err)
			}

			if r := customer.send("PUT", "/api/v1/me/preferences", map[string]any{"note": planted}, nil); r.status != 500 || strings.Contains(string(r.raw), planted) {
				t.Errorf("a row that the database refuses: %d %s", r.status, r.raw)
			}
			wish := faceToFace(location, "2031-05-06T10:00", 60)
			wish["fields"].(map[string]any)["nonEnglishSpeaker"] = planted
			customer.do("POST", "/bookings", wish)
			for late := time.After(30 * time.Second); stateOf(auditor, "jobs") != "stopped"; {
				select {
				case <-late:
					t.Fatal("the read model did not stop at an event that cannot be applied")
				case <-time.After(20 * time.Millisecond):
				}
			}
			server.stop(t)
			said := server.errOut.String()
			for _, want := range []string{"request failed", "read model stopped", "22023"} {
				if !strings.Contains(said, want) {
					t.Errorf("the log does not say %q", want)
				}
			}
			for _, sent := range []string{planted, "Quillfeather", "0113 496", "Sergeant Bell", "refused:"} {
				if strings.Contains(said, sent) {
					t.Errorf("the log says %q", sent)
				}
			}
		})
	}
}

// stateOf is how a read model stands.
func stateOf(c *client, model string) any {
	for _, m := range c.get("/status").items() {
		if m["model"] == model {
			return m["health"]
		}
	}
	return nil
}
