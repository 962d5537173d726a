package accounts

import (
	"testing"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// The stock is what was claimed and not drawn yet.
func TestStock(t *testing.T) {
	t.Parallel()
	k := openKeys(t, postgres.TestDB(t), testWrapper(t), KeyOptions{})
	if n := k.Stock(); n != 0 {
		t.Errorf("%d keys before the first is drawn", n)
	}
	draw(t, k)
	if n := k.Stock(); n != batch-1 {
		t.Errorf("%d keys after the first was drawn, want %d", n, batch-1)
	}
	draw(t, k)
	if n := k.Stock(); n != batch-2 {
		t.Errorf("%d keys after the second was drawn, want %d", n, batch-2)
	}
}
