package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/projections"
)

// TestMetrics: everything that an operator watches is named at /metrics, without a sign-in, and moves with a booking; nothing there is personal.
func TestMetrics(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer, assigner := signIn(t, base, "requestor"), signIn(t, base, "assigner")
	location := customer.get("/locations").items()[0]["id"].(string)
	before := scrape(t, base)
	booked := customer.do("POST", "/bookings", faceToFace(location, "2031-05-06T10:00", 60))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	assigner.job(ref, "take", map[string]any{})
	assigner.job(ref, "assign", map[string]any{"interpreter": "LIN/5455/5J71Y"})
	if r := assigner.send("POST", "/api/v1/jobs/"+ref+"/accept-timesheet", map[string]any{"onBehalfOf": "customer"}, nil); r.status != http.StatusUnprocessableEntity {
		t.Fatalf("a timesheet that nobody submitted is accepted: %d %s", r.status, r.raw)
	} else if r.body["code"] != "wrong-status" {
		t.Fatalf("refused with %v", r.body["code"])
	}
	customer.get("/jobs/"+ref, assigner)
	if r := (&client{t: t, base: base}).send("GET", "/sign-in", nil, nil); r.status != http.StatusOK {
		t.Fatalf("the sign-in page: %d", r.status)
	}
	after := scrape(t, base)

	for name, want := range map[string]float64{
		`dragoman_commands_total{code="",command="create",kind="booking",result="accepted"}`:                      1,
		`dragoman_commands_total{code="",command="take",kind="booking",result="accepted"}`:                        1,
		`dragoman_commands_total{code="",command="assign",kind="booking",result="accepted"}`:                      1,
		`dragoman_commands_total{code="",command="assign",kind="diary",result="accepted"}`:                        1,
		`dragoman_commands_total{code="wrong-status",command="accept-timesheet",kind="booking",result="refused"}`: 1,
		`dragoman_append_seconds_count{kind="booking",result="written"}`:                                          3,
		`dragoman_append_seconds_count{kind="diary",result="written"}`:                                            1,
		`dragoman_folds_total{from="memory",kind="booking"}`:                                                      3,
		`dragoman_http_request_seconds_count{method="POST",route="/api/v1/bookings",status="201"}`:                1,
		`dragoman_http_request_seconds_count{method="POST",route="/api/v1/jobs/{ref}/assign",status="200"}`:       1,
		`dragoman_http_request_seconds_count{method="GET",route="/sign-in",status="200"}`:                         1,
	} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s grew by %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{`dragoman_dependency_up{dependency="database"}`, `dragoman_dependency_up{dependency="event-log"}`} {
		if after[name] != 1 {
			t.Errorf("%s is %v", name, after[name])
		}
	}
	for _, name := range []string{"dragoman_log_position", "dragoman_feed_position", "dragoman_log_disk_bytes", "dragoman_log_disk_free_bytes",
		"dragoman_log_disk_least_bytes", "dragoman_personal_keys_stock", "dragoman_db_connections_max", "dragoman_db_acquires_total",
		`dragoman_db_connections{state="idle"}`, `dragoman_reaction_position{reaction="holds"}`, "go_goroutines", "process_open_fds"} {
		if after[name] <= 0 {
			t.Errorf("%s is %v", name, after[name])
		}
	}
	for _, name := range []string{"dragoman_db_acquire_waits_total", "dragoman_db_acquire_seconds_total", `dragoman_db_connections{state="acquired"}`,
		"dragoman_feed_behind_seconds", `dragoman_reaction_state{reaction="holds",state="stopped"}`} {
		if _, there := after[name]; !there {
			t.Errorf("%s is not there", name)
		}
	}
	if after["dragoman_log_position"] <= before["dragoman_log_position"] {
		t.Error("the log's position did not move")
	}
	if after[`dragoman_personal_keys_stock`] == before[`dragoman_personal_keys_stock`] {
		t.Error("a booking drew no personal-data key from the stock")
	}

	// Every read model arrives at the log's end and says so.
	late := time.After(30 * time.Second)
	for now := after; ; now = scrape(t, base) {
		behind := ""
		for _, p := range projectors() {
			model := `{model="` + p.Name() + `"}`
			if now["dragoman_read_model_position"+model] != now["dragoman_log_position"] || now["dragoman_read_model_lag_events"+model] != 0 ||
				now["dragoman_read_model_lag_seconds"+model] != 0 || now["dragoman_read_model_generation"+model] < 1 {
				behind += " " + p.Name()
			}
			if now[`dragoman_read_model_state{model="`+p.Name()+`",state="`+projections.Running+`"}`] != 1 {
				behind += " " + p.Name() + " does not run"
			}
		}
		if behind == "" && now["dragoman_feed_behind_seconds"] == 0 {
			break
		}
		select {
		case <-late:
			t.Fatalf("behind:%s", behind)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestWatchedMetricsExist: every metric that an alarm or the dashboard names is there once a server has worked, and was backed up.
func TestWatchedMetricsExist(t *testing.T) {
	t.Parallel()
	base, data := startDemoIn(t)
	customer := signIn(t, base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	customer.do("POST", "/bookings", faceToFace(location, "2031-05-07T10:00", 60))
	tell(t, "", "backup", filepath.Join(t.TempDir(), "backup"), "--data", data)

	after := scrape(t, base)
	there := map[string]bool{}
	for name := range after {
		name, _, _ = strings.Cut(name, "{")
		there[name] = true
		if histogram, is := strings.CutSuffix(name, "_bucket"); is {
			there[histogram] = true // a text may name it whole
		}
	}
	watched := regexp.MustCompile(`\b(?:dragoman|process|go)_[a-z_]+\b`)
	for _, file := range []string{"alerts.yml", "grafana/dashboards/dragoman.json"} {
		content, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		names := watched.FindAllString(string(content), -1)
		if len(names) < 10 {
			t.Fatalf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s names %s, which the server does not have", file, name)
			}
		}
	}
	for _, name := range []string{"dragoman_last_backup_timestamp_seconds", "dragoman_log_disk_free_bytes", "dragoman_log_sync_seconds_count", "dragoman_log_sync_seconds_sum"} {
		if after[name] <= 0 {
			t.Errorf("%s is %v", name, after[name])
		}
	}
}

// scrape reads all metrics by their full names.
func scrape(t *testing.T, base string) map[string]float64 {
	t.Helper()
	r := (&client{t: t, base: base}).send("GET", "/metrics", nil, nil)
	if r.status != http.StatusOK {
		t.Fatalf("/metrics: %d %s", r.status, r.raw)
	}
	for _, personal := range []string{"Kowalski", "0113 496", "requestor@", "Sergeant"} {
		if strings.Contains(string(r.raw), personal) {
			t.Errorf("/metrics holds %q", personal)
		}
	}
	all := map[string]float64{}
	for _, line := range strings.Split(string(r.raw), "\n") {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		all[line[:i]] = v
	}
	return all
}
