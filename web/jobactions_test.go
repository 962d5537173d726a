package web

import (
	"slices"
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
)

// TestMenusOfferOnlyWhatIsBuilt: every entry of a job's menu and every step on its page leads to a page or is taken by the portal.
func TestMenusOfferOnlyWhatIsBuilt(t *testing.T) {
	t.Parallel()
	routes := Routes()
	served := func(method, pattern string) bool { return slices.Contains(routes, [2]string{method, pattern}) }
	if !served("GET", "/jobs/{ref}/edit") || served("GET", "/jobs/{ref}/complain") {
		t.Fatal("the routes are not what they were: this test proves nothing")
	}
	for _, e := range menuEntries {
		switch {
		case e.Button && !served("POST", "/jobs/{ref}/"+e.Command):
			t.Errorf("nothing takes the button %s", e.Command)
		case !e.Button && !served("GET", "/jobs/{ref}"+e.To):
			t.Errorf("the entry %s leads to /jobs/{ref}%s, which is no page", e.Command, e.To)
		}
	}
	can := map[string]bool{}
	for _, e := range menuEntries {
		can[e.Command] = true
	}
	for _, by := range []domain.Role{domain.Assigner, domain.Interpreter} {
		for _, mine := range []bool{false, true} {
			for _, s := range (jobPage{Can: can, TakenByMe: mine, Own: mine, viewer: access.Viewer{Role: by}}).Steps() {
				if s.Post && !served("POST", "/jobs/{ref}/"+s.Name) || !s.Post && !served("GET", "/jobs/{ref}/"+s.Name) {
					t.Errorf("the step %s leads nowhere", s.Name)
				}
			}
		}
	}
}
