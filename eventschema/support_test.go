package eventschema

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// testKeys has a key for every id: made from the id, so that frozen examples open for ever. It is a real Keys with another place to keep
// the keys; what it is asked for is counted.
type testKeys struct {
	mu         sync.Mutex
	erased     map[uuid.UUID]bool
	missing    map[uuid.UUID]bool
	away       error
	prefetched [][]uuid.UUID
	forgotten  []uuid.UUID
}

func newTestKeys() *testKeys {
	return &testKeys{erased: map[uuid.UUID]bool{}, missing: map[uuid.UUID]bool{}}
}

func (k *testKeys) Key(_ context.Context, id uuid.UUID) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.away != nil:
		return nil, k.away
	case k.erased[id]:
		return nil, ErrErased
	case k.missing[id]:
		return nil, ErrKeyMissing
	}
	sum := sha256.Sum256([]byte("key of the tests " + id.String()))
	return sum[:], nil
}

func (k *testKeys) Prefetch(_ context.Context, ids []uuid.UUID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.prefetched = append(k.prefetched, ids)
	return k.away
}

func (k *testKeys) Forget(ids []uuid.UUID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten = append(k.forgotten, ids...)
}

var errAway = errors.New("the database is away")

var testMeta = Meta{
	CorrelationID: uuid.MustParse("00000000-0000-4000-8000-0000000000c0"),
	CausationID:   uuid.MustParse("00000000-0000-4000-8000-0000000000ca"),
	CommandID:     uuid.MustParse("00000000-0000-4000-8000-0000000000cd"),
	CommandName:   "create-booking",
	RequestHash:   []byte("keyed hash of the request"),
	Actor:         domain.Actor{Role: domain.Assigner, ID: testID(7), ActingFor: testID(8)},
	At:            time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC),
	RecordedAt:    time.Date(2026, 11, 2, 9, 30, 0, 123456789, time.UTC),
}

func testID(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// streamOf is a stream in which events of this stored type may stand.
func streamOf(name string) string {
	switch kind := kindOfType(name); kind {
	case Agency:
		return Agency
	case Form:
		return FormStream("police")
	case Terms:
		return TermsStream("standard")
	case Numbering:
		return NumberingStream("job")
	case Postcodes:
		return PostcodeTable
	default:
		return kind + "-" + testID(1).String()
	}
}

// recognisable begins every text about a person that filled puts into an event.
const recognisable = "Wanda Ünver"

// samples are values by JSON name, so that the examples read like bookings.
var samples = map[string]string{
	"ref": "DTP1000001", "form": "police", "status": "new", "town": "Leeds", "outward": "LS1", "language": "pl", "languageTier": "A",
	"alternativeLanguages": "cs", "serviceType": "interpreting", "zone": "Europe/London", "timeZone": "Europe/London",
	"local": "2026-12-01T10:00:00", "lin": "12345", "currency": "GBP", "scope": "following", "role": "requestor", "why": "continuation",
	"outcome": "success", "side": "customer", "kind": "mileage", "from": "assigned", "permissions": "create", "series": "job",
	"issuedOn": "2027-01-04", "dueOn": "2027-02-03", "validFrom": "2026-01-01", "validTo": "2027-12-31", "gender": "female",
	"languages": "pl", "personal": "none", "visibility": "offered", "place": "above", "postcode": "LS1 1AA", "line1": "1 High Street",
	"responseTier": "over-24h", "billableOutcome": "success", "initial": "new", "code": "pl", "reason": "request",
}

// filler fills a struct so that no field is zero.
type filler struct{ n int }

func filled(shape reflect.Type) any {
	v := reflect.New(shape).Elem()
	(&filler{}).fill(v, "")
	return v.Interface()
}

func (f *filler) fill(v reflect.Value, name string) {
	f.n++
	switch v.Interface().(type) {
	case uuid.UUID:
		v.Set(reflect.ValueOf(testID(f.n)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 12, 1, 10, f.n%60, 0, 0, time.UTC)))
		return
	case domain.Personal:
		v.SetString(fmt.Sprintf("%s \"%s\" <%d>\n", recognisable, name, f.n))
		return
	case map[string]domain.Value:
		v.Set(reflect.ValueOf(map[string]domain.Value{
			"nonEnglishSpeaker": domain.Private(fmt.Sprintf("%s speaker %d", recognisable, f.n)),
			"contacts":          {Items: []string{recognisable + " one", recognisable + " two"}, Personal: true},
			"a/b~c\"d":          domain.Private(recognisable + " odd name"),
			"gender":            domain.Text("any"),
			"skills":            {Items: []string{"legal", "medical"}},
			"custody":           {NotApplicable: true},
		}))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name)
	case reflect.Struct:
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			f.fill(v.Field(i), tag)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), name)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range []string{"one", "two"} {
			elem := reflect.New(v.Type().Elem()).Elem()
			f.fill(elem, name)
			v.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), elem)
		}
	case reflect.String:
		if s, ok := samples[name]; ok {
			v.SetString(s)
		} else {
			v.SetString(fmt.Sprintf("%s %d", name, f.n))
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint64:
		v.SetUint(uint64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	default:
		panic("no value for a field of type " + v.Type().String())
	}
}

// encoded is a filled event of a stored type, encoded.
func encoded(t testing.TB, c *Codec, name string) (any, Stored) {
	t.Helper()
	event := filled(types[name].shape)
	p, err := c.Encode(context.Background(), streamOf(name), event, testMeta, 0)
	if err != nil {
		t.Fatal(err)
	}
	return event, storedOf(p, streamOf(name))
}

func storedOf(p Proposed, stream string) Stored {
	return Stored{Stream: stream, Revision: 3, Position: Position{Commit: 40, Prepare: 40}, ID: p.ID, Type: p.Type, Data: p.Data, Metadata: p.Metadata}
}
