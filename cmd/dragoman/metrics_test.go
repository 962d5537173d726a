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

// TestWatchedMetricsExist: every metric that an alarm or the dashboard names is there once a server has worked, and was backed up, with the labels by which
// it is picked out or summed up. The same holds for what the tests of the alarms make up.
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
	labels := labelsOf(after)
	for _, file := range []string{"alerts.yml", "alerts_test.yml", "grafana/dashboards/dragoman.json"} {
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
		for _, wrong := range wrongLabels(strings.ReplaceAll(string(content), `\"`, `"`), labels) {
			t.Errorf("%s: %s", file, wrong)
		}
	}
	for _, name := range []string{"dragoman_last_backup_timestamp_seconds", "dragoman_log_disk_free_bytes", "dragoman_log_sync_seconds_count", "dragoman_log_sync_seconds_sum"} {
		if after[name] <= 0 {
			t.Errorf("%s is %v", name, after[name])
		}
	}
}

var (
	picked  = regexp.MustCompile(`\b((?:dragoman|process|go)_[a-z_]+)\{([^}]*)\}`)
	matcher = regexp.MustCompile(`([a-z_]+)(=~|!=|!~|=)"([^"]*)"`)
	summed  = regexp.MustCompile(`by \(([a-z, ]+)\) \([^)]*?\b((?:dragoman|process|go)_[a-z_]+)[{)\[]`)
)

// labelsOf are the labels of each metric, and the values that each has.
func labelsOf(metrics map[string]float64) map[string]map[string]map[string]bool {
	labels := map[string]map[string]map[string]bool{}
	for full := range metrics {
		name, rest, _ := strings.Cut(full, "{")
		if labels[name] == nil {
			labels[name] = map[string]map[string]bool{}
		}
		for _, m := range matcher.FindAllStringSubmatch(rest, -1) {
			if labels[name][m[1]] == nil {
				labels[name][m[1]] = map[string]bool{}
			}
			labels[name][m[1]][m[3]] = true
		}
	}
	return labels
}

// wrongLabels finds where a text picks out or sums up metrics by labels that they do not have, or by a state or dependency that is none. Prometheus itself
// adds instance and job.
func wrongLabels(text string, labels map[string]map[string]map[string]bool) (wrong []string) {
	known := func(metric, label string) bool {
		return label == "instance" || label == "job" || labels[metric][label] != nil
	}
	for _, p := range picked.FindAllStringSubmatch(text, -1) {
		for _, m := range matcher.FindAllStringSubmatch(p[2], -1) {
			switch {
			case !known(p[1], m[1]):
				wrong = append(wrong, p[1]+" has no label "+m[1])
			case (m[1] == "state" || m[1] == "dependency" || m[1] == "model" || m[1] == "reaction") && m[2] == "=" && !labels[p[1]][m[1]][m[3]]:
				wrong = append(wrong, p[1]+" is never of the "+m[1]+" "+m[3])
			}
		}
	}
	for _, s := range summed.FindAllStringSubmatch(text, -1) {
		for label := range strings.SplitSeq(s[1], ",") {
			if label = strings.TrimSpace(label); !known(s[2], label) {
				wrong = append(wrong, s[2]+" has no label "+label+" to be summed up by")
			}
		}
	}
	return wrong
}

// scrape reads all metrics by their full names, again for at most a minute until none was left out for want of time.
func scrape(t *testing.T, base string) (all map[string]float64) {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		all = scrapeOnce(t, base)
		_, models := all[`dragoman_read_model_position{model="jobs"}`]
		_, reactions := all[`dragoman_reaction_position{reaction="holds"}`]
		_, backups := all["dragoman_last_backup_timestamp_seconds"]
		up := all[`dragoman_dependency_up{dependency="database"}`] == 1 && all[`dragoman_dependency_up{dependency="event-log"}`] == 1
		if up && models && reactions && backups || time.Now().After(late) {
			return all
		}
	}
}

func scrapeOnce(t *testing.T, base string) map[string]float64 {
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
