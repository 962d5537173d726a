package arrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/dragoman-booking/dragoman/"

// may says which rooms of ours a room may import. A room stands for itself and what lies below it.
var may = map[string][]string{
	"domain":            {},
	"eventschema":       {"domain"},
	"commands":          {"domain", "eventschema", "internal/telemetry", "internal/recurrence"},
	"projections":       {"domain", "eventschema", "internal/eventlog", "internal/postgres", "internal/lease", "internal/telemetry", "internal/gather", "internal/recurrence"},
	"reactions":         {"domain", "eventschema", "internal/eventlog", "internal/postgres", "internal/lease", "projections", "internal/telemetry"},
	"httpapi":           {"domain", "eventschema", "commands", "projections", "internal/accounts", "internal/clock", "internal/telemetry"},
	"web":               {"domain", "eventschema", "commands", "projections", "internal/accounts", "internal/clock", "internal/telemetry"},
	"internal/eventlog": {"domain", "eventschema", "internal/move", "internal/telemetry"},
	"internal/esnode":   {"internal/move"},

	"internal/esnode/escluster": {"internal/esnode"}, // for tests
	"internal/clockchanges":     {},                  // for tests

	"internal/postgres":   {},
	"internal/accounts":   {"domain", "eventschema", "internal/postgres", "internal/gather"},
	"internal/gather":     {"internal/telemetry"},
	"internal/lease":      {},
	"internal/clock":      {},
	"internal/telemetry":  {"eventschema"},
	"demo":                {"domain", "eventschema", "commands"},
	"internal/blobs":      {},
	"internal/backup":     {},
	"internal/recurrence": {"domain"},
	"internal/move":       {},
	"internal/arrows":     {},
	"internal/coverage":   {},
	"deploy":              {},
	"cmd":                 {"*"},
	"cmd/bench":           {"*"},
}

// only says which rooms may import a library that belongs to one place.
var only = map[string][]string{
	"github.com/EventStore/EventStore-Client-Go": {"internal/eventlog", "internal/esnode", "internal/esnode/escluster"},
	"github.com/jackc/pgx":                       {"projections", "reactions", "internal/accounts", "internal/postgres", "internal/lease", "internal/clock", "cmd", "cmd/bench"},
	"github.com/go-chi/chi":                      {"httpapi", "web", "cmd/bench"},
	"github.com/cockroachdb/pebble":              {"internal/esnode", "internal/esnode/escluster"},
	module + "internal/esnode/escluster":         {}, // tests alone
	module + "internal/clockchanges":             {}, // tests alone
	"github.com/teambition/rrule-go":             {"internal/recurrence"},
	"go.opentelemetry.io/otel":                   {"internal/telemetry", "internal/postgres", "cmd", "cmd/bench"},
}

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// room is the longest known room that a package lies in.
func room(path string) string {
	path = strings.TrimPrefix(path, module)
	best := ""
	for r := range may {
		if (path == r || strings.HasPrefix(path, r+"/")) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

func TestArrowsPointOneWay(t *testing.T) {
	t.Parallel()
	all := packages(t)
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	for _, p := range all {
		from := room(p.ImportPath)
		if from == "" {
			t.Errorf("%s lies in no known room", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if to := room(imp); strings.HasPrefix(imp, module) && to != from && !allowed(may[from], to) {
				t.Errorf("%s must not import %s", p.ImportPath, imp)
			}
			for lib, rooms := range only {
				if strings.HasPrefix(imp, lib) && !allowed(rooms, from) {
					t.Errorf("%s must not import %s: it belongs to %v", p.ImportPath, imp, rooms)
				}
			}
			if from == "domain" && strings.Contains(imp, ".") && imp != "github.com/google/uuid" && !strings.HasPrefix(imp, module) {
				t.Errorf("%s must not import %s: the domain knows the standard library and google/uuid", p.ImportPath, imp)
			}
		}
	}
}

func allowed(rooms []string, room string) bool {
	for _, r := range rooms {
		if r == room || r == "*" {
			return true
		}
	}
	return false
}
