package rows_test

import (
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Lists of anything come back as they went in: quotes, commas, braces and the word NULL are texts like any other.
func TestListsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"", "NULL", "null", `"`, `\\`, "{", "}", ",", "a,b", " x ", "ö", `\"`}),
			rapid.String().Filter(func(s string) bool { return utf8.ValidString(s) && !slices.Contains([]byte(s), 0) })), 0, 5).Draw(rt, "texts")
		ids := make([]uuid.UUID, rapid.IntRange(0, 3).Draw(rt, "ids"))
		for i := range ids {
			ids[i] = uuid.NewSHA1(uuid.Nil, []byte{byte(i)})
		}
		var gotTexts []string
		var gotIDs []uuid.UUID
		if err := pool.QueryRow(t.Context(), `select $1::text::text[], $2::text::uuid[]`, rows.Texts(texts), rows.IDs(ids)).Scan(&gotTexts, &gotIDs); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(texts, gotTexts) || !slices.Equal(ids, gotIDs) {
			rt.Fatalf("%q came back as %q, %v as %v", texts, gotTexts, ids, gotIDs)
		}
	})
}
