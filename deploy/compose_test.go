package deploy

import (
	"os"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestComposeFile: the production shape parses, waits for what it needs, and keeps nothing that matters outside a volume.
func TestComposeFile(t *testing.T) {
	t.Parallel()
	project := productionShape(t)
	for _, name := range []string{"eventstore", "postgres", "dragoman", "mail", "prometheus", "grafana"} {
		s, err := project.GetService(name)
		if err != nil {
			t.Errorf("service %s: %v", name, err)
			continue
		}
		if s.Image == "" {
			t.Errorf("service %s names no image", name)
		}
		if len(s.Profiles) == 0 && s.HealthCheck == nil {
			t.Errorf("service %s has no health check", name)
		}
	}
	app, _ := project.GetService("dragoman")
	for _, dep := range []string{"eventstore", "postgres"} {
		if app.DependsOn[dep].Condition != types.ServiceConditionHealthy {
			t.Errorf("dragoman does not wait for a healthy %s", dep)
		}
	}
	for _, name := range []string{"eventstore", "postgres", "dragoman"} {
		if s, _ := project.GetService(name); len(s.Volumes) == 0 {
			t.Errorf("service %s keeps its data in no volume", name)
		}
	}
	for _, p := range app.Ports {
		if p.HostIP != "127.0.0.1" {
			t.Errorf("dragoman is published on %s", p.HostIP)
		}
	}
}

// productionShape is the compose file with the services of all its profiles.
func productionShape(t *testing.T) *types.Project {
	t.Helper()
	content, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  "..",
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: content}},
		Environment: types.Mapping{"POSTGRES_PASSWORD": "p", "EVENTSTORE_ADMIN_PASSWORD": "e"},
	}, loader.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatalf("parse docker-compose.yml: %v", err)
	}
	return project
}
