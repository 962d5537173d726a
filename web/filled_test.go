package web

import (
	"net/url"
	"slices"
	"testing"
)

// TestOver: what two people did to one form goes together, and each input that both changed is named, also where it holds nothing any more, or
// the same in another order.
func TestOver(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		before, sent, now, merged string
		clashes                   []string
	}{
		"different things":              {"name=A&tier=Rare", "name=B&tier=Rare", "name=A&tier=Common", "name=B&tier=Common", nil},
		"the same thing":                {"name=A", "name=B", "name=C", "name=B", []string{"name"}},
		"the same in the same way":      {"name=A", "name=B", "name=B", "name=B", nil},
		"all of a choice taken away":    {"skills=x&skills=y", "", "skills=x", "", []string{"skills"}},
		"all of it taken away by both":  {"skills=x&skills=y", "", "", "", nil},
		"a choice that was none":        {"", "skills=x", "skills=y", "skills=x", []string{"skills"}},
		"a choice that the other left":  {"skills=x&name=A", "name=A", "skills=x&name=B", "name=B", nil},
		"a choice in another order":     {"skills=x&skills=y&name=A", "skills=y&skills=x&name=B", "skills=x&name=A", "name=B&skills=x", nil},
		"a box that both unticked":      {"auto=yes&hours=1", "hours=1", "hours=2", "hours=2", nil},
		"rows in another order":         {"notices.text=a&notices.text=b", "notices.text=b&notices.text=a", "notices.text=c&notices.text=b", "notices.text=b&notices.text=a", []string{"notices.text"}},
		"whom a row concerns":           {"notices.customer=&notices.customer=p", "notices.customer=p&notices.customer=", "notices.customer=q&notices.customer=p", "notices.customer=p&notices.customer=", []string{"notices.customer"}},
		"empty rows at the end":         {"notices.text=a&splash=s", "notices.text=a&notices.text=&splash=t", "notices.text=b&splash=s", "notices.text=b&splash=t", nil},
		"a row taken away by the other": {"notices.text=a", "notices.text=b", "", "notices.text=b", []string{"notices.text"}},
		"all rows taken away":           {"credentials.kind=a", "credentials.kind=", "credentials.kind=a&credentials.kind=b", "credentials.kind=", []string{"credentials.kind"}},
	} {
		now, sent := values(t, c.now), values(t, c.sent)
		sent.Set(fieldKey, "k")
		sent.Set(fieldRevision, "7")
		sent.Set(fieldBefore, c.before)
		merged, clashes := editsIn(sent).over(now)
		if merged.Encode() != c.merged || !slices.Equal(clashes, c.clashes) {
			t.Errorf("%s: it becomes %q with clashes %q, want %q with %q", what, merged.Encode(), clashes, c.merged, c.clashes)
		}
	}
}

func values(t *testing.T, query string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
