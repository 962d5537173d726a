package analysts_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

var examples = regexp.MustCompile("(?s)```sql\n(.*?)```")

// docs/analysts.md names every view and column with its type, as the database has them, and each of its examples answers something.
func TestThePageForAnalystsIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/analysts.md")
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, postgres.TestURL(t), everything()...)
	analyst := connect(t, d.login(t))

	var want strings.Builder
	for _, view := range list(t, analyst, viewNames) {
		fmt.Fprintf(&want, "### %s\n\n%s\n\n| column | type | meaning |\n| --- | --- | --- |\n", view,
			list(t, analyst, `select obj_description($1::regclass, 'pg_class')`, view)[0])
		for _, row := range list(t, analyst, `select format('| `+"`%s`"+` | %s | %s |', attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum))
			from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum`, view) {
			want.WriteString(row + "\n")
		}
		want.WriteString("\n")
	}
	if !strings.Contains(string(page), strings.TrimSpace(want.String())) {
		t.Errorf("docs/analysts.md does not hold the views as they are:\n%s", want.String())
	}
	found := examples.FindAllStringSubmatch(string(page), -1)
	if len(found) < 5 {
		t.Fatalf("docs/analysts.md has only %d examples", len(found))
	}
	for _, example := range found {
		if rows := list(t, analyst, `select to_jsonb(q)::text from (`+strings.TrimRight(strings.TrimSpace(example[1]), ";")+`) q`); len(rows) == 0 {
			t.Errorf("no rows come of\n%s", example[1])
		}
	}
}
