package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
)

// promtool is Prometheus' own checker, from the PATH or where `make need-promtool` puts it.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		path = "../bin/promtool"
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s(`make need-promtool` gets promtool if it is missing)", strings.Join(args, " "), err, out)
	}
}

// TestAlarms: Prometheus takes its configuration and the rules, and each alarm is raised when it should be and not when all is well.
func TestAlarms(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", "prometheus.yml")
	promtool(t, "test", "rules", "alerts_test.yml")

	// Each alarm has both in alerts_test.yml, a moment in which it is raised and one in which it is not.
	var rules struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	var tests struct {
		Tests []struct {
			At []struct {
				Alarm  string `yaml:"alertname"`
				Raised []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	read(t, "alerts.yml", yaml.Unmarshal, &rules)
	read(t, "alerts_test.yml", yaml.Unmarshal, &tests)
	raised, quiet := map[string]bool{}, map[string]bool{}
	for _, tt := range tests.Tests {
		for _, at := range tt.At {
			raised[at.Alarm] = raised[at.Alarm] || len(at.Raised) > 0
			quiet[at.Alarm] = quiet[at.Alarm] || len(at.Raised) == 0
		}
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if !raised[r.Alert] || !quiet[r.Alert] {
				t.Errorf("alerts_test.yml does not show both when %s is raised and when it is not", r.Alert)
			}
		}
	}
}

// dashboard is what Grafana reads.
type dashboard struct {
	UID    string
	Panels []struct {
		ID         int
		Title      string
		Type       string
		GridPos    struct{ X, Y, W, H int }
		Datasource struct{ UID string }
		Targets    []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

// TestDashboard: what the dashboard asks for is sound PromQL of the data source that Grafana is given, and no panel lies over another.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var sources struct{ Datasources []struct{ UID string } }
	read(t, "grafana/provisioning/datasources/prometheus.yml", yaml.Unmarshal, &sources)
	var d dashboard
	read(t, "grafana/dashboards/dragoman.json", json.Unmarshal, &d)

	// promtool checks expressions only as rules, so each becomes one. Grafana puts an interval for its variable.
	rules := "groups:\n- name: dashboard\n  rules:\n"
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if at[0] >= 24 || taken[at] != "" {
					t.Errorf("panel %q lies over %q, or outside", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != sources.Datasources[0].UID {
				t.Errorf("panel %q asks a data source %q", p.Title, target.Datasource.UID)
			}
			expr, _ := json.Marshal(strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
			rules += "  - record: panel_" + regexp.MustCompile(`\W+`).ReplaceAllString(p.Title, "_") + "\n    expr: " + string(expr) + "\n"
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", file)
}

// TestWatchingIsMounted: what Prometheus and Grafana read lies where their containers look for it.
func TestWatchingIsMounted(t *testing.T) {
	t.Parallel()
	project := productionShape(t)
	for service, mounts := range map[string]map[string]string{
		"prometheus": {"/etc/prometheus/prometheus.yml": "deploy/prometheus.yml", "/etc/prometheus/alerts.yml": "deploy/alerts.yml"},
		"grafana":    {"/etc/grafana/provisioning": "deploy/grafana/provisioning", "/var/lib/grafana/dashboards": "deploy/grafana/dashboards"},
	} {
		s, err := project.GetService(service)
		if err != nil {
			t.Fatal(err)
		}
		for target, source := range mounts {
			i := slices.IndexFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == target })
			if i < 0 {
				t.Errorf("%s has nothing at %s", service, target)
				continue
			}
			if !strings.HasSuffix(filepath.ToSlash(s.Volumes[i].Source), source) {
				t.Errorf("%s has %s at %s", service, s.Volumes[i].Source, target)
			}
			if _, err := os.Stat("../" + source); err != nil {
				t.Error(err)
			}
		}
	}
}

func read(t *testing.T, file string, unmarshal func([]byte, any) error, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
