package analysts_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/analysts"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/pseudonyms"
	"github.com/dragoman-booking/dragoman/projections/story"
)

// deployment is read models with a story in them, and the views that follow.
type deployment struct {
	*projtest.Bench
	url string
}

func deploy(t *testing.T, url string, projectors ...projections.Projector) *deployment {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.PoolOptions{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := postgres.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	log, at := tell()
	b := projtest.New(t, pool, log, projectors...)
	b.Runner.OnSwap = analysts.Follow
	b.Runner.KeepRetired = 200 * time.Millisecond
	if err := b.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Runner.Stop() })
	b.Await(t, at, b.Models.Names()...)
	return &deployment{b, url}
}

// tell is a log with three jobs: one done, with an offer that was declined, hours, a further cost and an invoice; one cancelled; one remote.
func tell() (log *projtest.Log, at eventschema.Position) {
	t := story.Tell()
	job := t.Book(story.At("2020-03-24T15:46"), story.Requestor, t.Wish("2020-03-26T10:00"))
	do := func(at string, c booking.Command) { t.Do(story.At(at), story.Assigner, job.ID, c) }
	do("2020-03-24T15:48", booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana, story.Ben}})
	do("2020-03-24T15:57", booking.DeclineOffer{Job: job.ID, Interpreter: story.Ben, Reason: "My sister marries"})
	do("2020-03-24T15:58", booking.AcceptOffer{Job: job.ID, Interpreter: story.Ana})
	do("2020-03-24T15:59", booking.Assign{Job: job.ID, Interpreter: story.Ana})
	do("2020-03-25T09:00", booking.PostMessage{Job: job.ID, Text: "Please use the back door."})
	do("2020-03-25T10:00", booking.ChangeEta{Job: job.ID, ETA: "2020-03-26T11:00", AgreedBy: "Jo Bloggs"})
	do("2020-03-26T13:17", booking.SubmitTimesheet{Job: job.ID, Side: booking.CustomerSide, Blocks: []booking.BlockIn{{Start: "2020-03-26T11:00", End: "2020-03-26T12:30"}}})
	do("2020-03-26T13:18", booking.AcceptTimesheet{Job: job.ID, Side: booking.InterpreterSide})
	done := job
	job = t.Book(story.At("2020-03-24T16:00"), story.Requestor, t.Wish("2020-04-02T10:00"))
	do("2020-03-24T16:10", booking.Cancel{Job: job.ID, AuthorisedBy: "Inspector Lestrade", Details: "He was released"})
	t.Book(story.At("2020-03-24T17:00"), story.Requestor, t.Wish("2020-04-03T10:00"))
	gbp := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "GBP"} }
	t.Add(eventschema.BillingStream(story.Police), story.At("2020-04-01T09:00"), story.Assigner, billing.Issued{Customer: story.Police, Invoice: uuid.UUID{1},
		Number: 1, Ref: "INV000001", IssuedOn: "2020-04-01", DueOn: "2020-05-01", At: story.At("2020-04-01T09:00"), Total: gbp(4500),
		Lines: []billing.Line{{Job: done.ID, Ref: done.Ref, TermsVersion: 1, Kind: "time", Quantity: 90, UnitPrice: gbp(3000), Amount: gbp(4500)}}})
	log = projtest.NewLog(0)
	for _, e := range t.Page {
		at = log.AppendRecorded(e.Stream, eventschema.Recorded{Event: e.Event, Meta: e.Meta})
	}
	return log, at
}

func everything() []projections.Projector {
	return []projections.Projector{jobs.Projector{}, people.Projector{}, invoices.Projector{}}
}

// login makes the role, which goes with the test, and answers its address.
func (d *deployment) login(t *testing.T) string {
	t.Helper()
	l, err := analysts.MakeLogin(t.Context(), d.Pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = analysts.RemoveLogin(context.Background(), d.Pool) }) // a test may have removed it
	address, local, err := l.URL(d.url)
	if err != nil || !local || l.Password == "" {
		t.Fatalf("the login's address: local %v (%v)", local, err)
	}
	return address
}

// soon is when a test gives up on what happens at once: generous, since a machine that other work stands on may halt for many seconds.
const soon = 2 * time.Minute

// rebuild rebuilds a model as soon as the sweep of retired schemas, which takes the same lock, is done with it.
func (d *deployment) rebuild(t *testing.T, model string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		err := d.Runner.Rebuild(ctx, model, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, projections.ErrRebuilding) {
			t.Fatalf("rebuild %s: %v", model, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// eventually waits for a condition that no signal tells.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", soon, what)
		}
	}
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

type querier interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}

func list(t *testing.T, q querier, sql string, args ...any) []string {
	t.Helper()
	rows, err := q.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return fmt.Sprint(err)
}

const refused = "42501"

const viewNames = `select c.relname::text from pg_class c where relnamespace = 'analysis'::regnamespace and relkind = 'v' order by 1`

func TestTheRoleReadsTheViewsAndNothingElse(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), everything()...)
	analyst := connect(t, d.login(t))

	// Every table of ours, found by the owner, is refused.
	tables := list(t, d.Pool, `select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'S', 'm') and n.nspname !~ '^pg_|^information_schema$'`)
	for _, must := range []string{"kept.credentials", "kept.personal_keys", "kept.pseudonym_key", "rm_people_1.interpreters", "rm_jobs_1.details"} {
		if !slices.Contains(tables, must) {
			t.Fatalf("%s is not among the tables to try: %v", must, tables)
		}
	}
	for _, table := range tables {
		if _, err := analyst.Exec(t.Context(), `select * from `+table); code(err) != refused {
			t.Errorf("reading %s: %v", table, err)
		}
	}
	if left := list(t, analyst, `select format('%s.%s', schemaname, tablename) from pg_stats where schemaname !~ '^pg_|^information_schema$'`); len(left) > 0 {
		t.Errorf("statistics, which hold values, of %v", left)
	}

	// Every view can be read, all of the story's are told in it, and nothing that names or was written by a person.
	views := list(t, analyst, viewNames)
	var all strings.Builder
	for _, view := range views {
		rows := list(t, analyst, `select to_jsonb(v)::text from `+view+` v`) // found without its schema
		if len(rows) == 0 {
			t.Errorf("%s has no rows", view)
		}
		fmt.Fprintln(&all, strings.Join(rows, "\n"))
	}
	if len(views) != 15 {
		t.Errorf("%d views: %v", len(views), views)
	}
	personal := list(t, d.Pool, `select distinct x from (
		select name from rm_people_1.users union select email from rm_people_1.users union select name from rm_people_1.interpreters
		union select lin from rm_people_1.interpreters union select interpreter::text from rm_people_1.interpreters
		union select telephone from rm_people_1.interpreters union select user_id::text from rm_people_1.users
		union select line1 from rm_jobs_1.details union select postcode from rm_jobs_1.details union select authorised_by from rm_jobs_1.endings
		union select details from rm_jobs_1.endings union select dispute_reason from rm_jobs_1.timesheets union select reason from rm_jobs_1.offers
		union select t from rm_jobs_1.details, jsonb_each(fields) f, jsonb_array_elements_text(f.value -> 't') t where f.value ? 'p') u (x) where length(x) > 2`)
	if len(personal) < 12 {
		t.Fatalf("the story holds only %d personal values", len(personal))
	}
	for _, value := range personal {
		if strings.Contains(all.String(), value) {
			t.Errorf("the views show %q", value)
		}
	}
	for _, want := range []string{`"interpreter": "interpreter `, `"booked_by": "user `, `"ref": "DTP`} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the views never show %s", want)
		}
	}

	// Nothing can be written, also by one who turns the role's default off.
	if got := list(t, analyst, `show default_transaction_read_only`); got[0] != "on" {
		t.Errorf("sessions begin read-only: %s", got)
	}
	if _, err := analyst.Exec(t.Context(), `set default_transaction_read_only to off`); err != nil {
		t.Fatal(err)
	}
	for _, write := range []string{`insert into customers values (gen_random_uuid(), 'x', 'UTC')`, `update customers set name = 'x'`, `delete from customers`,
		`create table analysis.t (i int)`, `create table public.t (i int)`, `create temp table t (i int)`, `create schema s`, `drop view customers`,
		`update kept.models set generation = 9`, `truncate rm_jobs_1.jobs`, `create role r`, `set role ` + owner(t, d), `copy customers to program 'true'`,
		`select pg_read_file('PG_VERSION')`, `alter role current_user connection limit 100`} {
		if _, err := analyst.Exec(t.Context(), write); code(err) != refused && code(err) != "55000" { // a view that cannot be written to
			t.Errorf("%s: %v", write, err)
		}
	}

	// The key of the pseudonyms stands nowhere that the role reads.
	key := list(t, d.Pool, `select encode(key, 'hex') from kept.pseudonym_key`)[0]
	for _, text := range list(t, analyst, `select pg_get_viewdef(oid) from pg_class where relnamespace = 'analysis'::regnamespace`) {
		if strings.Contains(text, key) {
			t.Error("a view's definition holds the key")
		}
	}
}

func owner(t *testing.T, d *deployment) string {
	return pgx.Identifier{list(t, d.Pool, `select current_user::text`)[0]}.Sanitize()
}

// The limits that a session begins with, and the one that it cannot change.
func TestAHeavyQueryIsEnded(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), everything()...)
	address := d.login(t)
	analyst := connect(t, address)
	for setting, want := range map[string]string{"statement_timeout": "1min", "idle_in_transaction_session_timeout": "1min", "timezone": "UTC"} {
		if got := list(t, analyst, `show `+setting)[0]; got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
	if _, err := analyst.Exec(t.Context(), `set statement_timeout to '50ms'`); err != nil {
		t.Fatal(err)
	}
	if _, err := analyst.Exec(t.Context(), `select count(*) from jobs a, jobs b, jobs c, generate_series(1, 1000000000)`); code(err) != "57014" {
		t.Errorf("a query that never ends: %v", err)
	}
	for range 4 {
		connect(t, address)
	}
	if _, err := pgx.Connect(t.Context(), address); code(err) != "53300" {
		t.Errorf("a sixth connection: %v", err)
	}
}

// Pseudonyms are the same in every view, in the API's answers and after every rebuild, and differ between deployments.
func TestPseudonymsJoin(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), everything()...)
	analyst := connect(t, d.login(t))
	const held = `select distinct interpreter from jobs join interpreters using (interpreter) join assignments using (interpreter) order by 1`
	before := list(t, analyst, held)
	if len(before) == 0 || !regexp.MustCompile(`^interpreter [0-9a-f]{16}$`).MatchString(before[0]) {
		t.Fatalf("pseudonyms that join: %v", before)
	}
	key, err := pseudonyms.Key(t.Context(), d.Pool)
	if err != nil {
		t.Fatal(err)
	}
	reader := story.InRole(domain.Analyst, story.At("2020-04-01T12:00"))
	directory, err := people.Queries{Models: d.Models}.Interpreters(t.Context(), reader, projections.ListQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, i := range directory.Items {
		listed = append(listed, i.Name)
	}
	if want := list(t, analyst, `select interpreter from interpreters order by 1`); !slices.Equal(listed, want) { // also in order: another's tells of the ids
		t.Errorf("the directory lists %v, the view %v", listed, want)
	}
	answered, err := jobs.Queries{Models: d.Models, Substitute: func(class access.Class, text string) string { return pseudonyms.Of(key, class, text) }}.
		List(t.Context(), reader, jobs.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, i := range answered.Items {
		have = append(have, strings.Join([]string{i.Ref, i.CreatedBy.Name, i.Interpreter.Name}, ", "))
	}
	slices.Sort(have)
	if want := list(t, analyst, `select concat_ws(', ', ref, created_by, coalesce(interpreter, '')) from jobs order by ref`); !slices.Equal(have, want) {
		t.Errorf("the API's pseudonyms are %v, the views' %v", have, want)
	}
	for _, model := range []string{"jobs", "people"} {
		d.rebuild(t, model)
	}
	if after := list(t, analyst, held); !slices.Equal(after, before) {
		t.Errorf("after a rebuild they are %v, before %v", after, before)
	}
	if _, err := d.Pool.Exec(t.Context(), `update kept.pseudonym_key set key = 'another deployment''s'`); err != nil {
		t.Fatal(err)
	}
	if other := list(t, analyst, held); len(other) != len(before) || other[0] == before[0] {
		t.Errorf("under another key they are %v", other)
	}
}

// Analysts read while everything is rebuilt and swapped; one who leaves a transaction open holds nothing up.
func TestViewsNeverBreakWhileGenerationsAreSwapped(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), everything()...)
	address := d.login(t)
	// Their sessions' idle limit would end them on a slow machine. Without it, a rebuild that waited for them would wait for good.
	patient := func() *pgx.Conn {
		conn := connect(t, address)
		if _, err := conn.Exec(t.Context(), `set idle_in_transaction_session_timeout to 0`); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	tx, err := patient().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := list(t, tx, `select ref from jobs order by 1`)

	// One who holds a moment fast reads the new tables as they were then: docs/analysts.md says so.
	still, err := patient().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	list(t, still, `select name from languages`)

	reading, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		analyst := connect(t, address)
		readers.Go(func() {
			for n := 0; reading.Err() == nil; n++ {
				for _, sql := range []string{`select ref from jobs order by 1`, `select j.ref from jobs j join customers using (customer) left join prices using (job) order by 1`} {
					rows, err := analyst.Query(t.Context(), sql) // prepared once, then run by its plan
					if err == nil {
						var got []string
						if got, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil && !slices.Equal(got, want) {
							err = fmt.Errorf("%d rows", len(got))
						}
					}
					if err != nil {
						t.Errorf("%s, time %d: %v", sql, n, err)
						return
					}
				}
			}
		})
	}
	for range 3 {
		for _, model := range d.Models.Names() {
			d.rebuild(t, model)
		}
	}
	if got := list(t, tx, `select ref from jobs order by 1`); !slices.Equal(got, want) {
		t.Errorf("the open transaction reads %v", got)
	}
	if got := list(t, still, `select ref from jobs`); len(got) != 0 {
		t.Errorf("a moment before the rebuild shows %v", got)
	}
	for _, open := range []pgx.Tx{tx, still} {
		if err := open.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	readers.Wait()

	// What was left goes with a later swap, once nobody reads it or drops it just then.
	eventually(t, "the views of one swap alone are left", func() bool {
		d.rebuild(t, "people")
		left := list(t, d.Pool, `select nspname::text from pg_namespace where nspname ~ '^analysis'`)
		return len(left) <= 2 // the last swap's own is still there
	})
}

// Views that could not follow a swap keep the retired tables until they can.
func TestViewsThatCouldNotFollow(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), everything()...)
	const people, retired = `select name from customers order by 1`, `select nspname::text from pg_namespace where nspname = 'rm_people_1_retired'`
	analyst := connect(t, d.login(t))
	want := list(t, analyst, people)
	if _, err := d.Pool.Exec(t.Context(), `create schema analysis_new`); err != nil { // in the way
		t.Fatal(err)
	}
	d.rebuild(t, "people")
	if left := list(t, d.Pool, retired); len(left) != 1 {
		t.Fatalf("retired: %v", left)
	}
	if got := list(t, analyst, people); !slices.Equal(got, want) {
		t.Errorf("the views show %v, not %v", got, want)
	}
	if _, err := d.Pool.Exec(t.Context(), `drop schema analysis_new`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the retired tables are dropped", func() bool { return len(list(t, d.Pool, retired)) == 0 })
	if got := list(t, analyst, people); !slices.Equal(got, want) {
		t.Errorf("over the new tables the views show %v, not %v", got, want)
	}
}

// A read model that is not there, or of another version of the program, costs its own views, not the others'.
func TestViewsOfWhatThereIs(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), jobs.Projector{})
	analyst := connect(t, d.login(t))
	if views := list(t, analyst, viewNames); !slices.Contains(views, "jobs") || slices.Contains(views, "customers") {
		t.Errorf("with one read model the views are %v", views)
	}
	_, err := d.Pool.Exec(t.Context(), `create schema rm_people_1; create table rm_people_1.checkpoint (i int); create table rm_people_1.customers
		(customer uuid, name text, time_zone text); insert into kept.models (model, generation, hash) values ('people', 1, 'older')`)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // missing ones are looked for at every start
		if err := analysts.Ensure(t.Context(), d.Pool); err != nil {
			t.Fatal(err)
		}
	}
	if views := list(t, analyst, viewNames); !slices.Contains(views, "customers") || slices.Contains(views, "interpreters") {
		t.Errorf("with an older read model the views are %v", views)
	}
}

// Where all is as it should be, a start changes nothing; a schema of somebody else's is left alone, and swaps go on.
func TestEnsureIsQuietAndCareful(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), everything()...)
	oid := `select oid::text from pg_namespace where nspname = 'analysis'`
	before := list(t, d.Pool, oid)
	if err := analysts.Ensure(t.Context(), d.Pool); err != nil || !slices.Equal(list(t, d.Pool, oid), before) {
		t.Errorf("the views were made anew (%v)", err)
	}
	if _, err := d.Pool.Exec(t.Context(), `drop schema analysis cascade; create schema analysis; create table analysis.mine (i int)`); err != nil {
		t.Fatal(err)
	}
	if err := analysts.Ensure(t.Context(), d.Pool); err == nil || !strings.Contains(err.Error(), "somebody else's") {
		t.Errorf("a stranger's schema: %v", err)
	}
	if _, err := analysts.MakeLogin(t.Context(), d.Pool); err == nil || !strings.Contains(err.Error(), "somebody else's") {
		t.Errorf("a login for a stranger's schema: %v", err)
	}
	if err := d.Runner.Rebuild(t.Context(), "jobs", nil); err != nil {
		t.Errorf("a rebuild beside a stranger's schema: %v", err)
	}
	if got := list(t, d.Pool, `select relname::text from pg_class where relnamespace = 'analysis'::regnamespace`); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("the stranger's schema holds %v", got)
	}
}

// A login made before the first start of a server reads the views once they come; a new one has a new password; a removed one is gone.
func TestLoginBeforeTheViewsAndAfterItsEnd(t *testing.T) {
	t.Parallel()
	url := postgres.TestURL(t)
	pool, err := postgres.Open(t.Context(), url, postgres.PoolOptions{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	early := &deployment{&projtest.Bench{Pool: pool}, url}
	address := early.login(t)
	d := deploy(t, url, everything()...)
	if rows := list(t, connect(t, address), `select ref from jobs`); len(rows) == 0 {
		t.Error("the early login reads no rows")
	}
	again := d.login(t)
	if _, err := pgx.Connect(t.Context(), address); code(err) != "28P01" {
		t.Errorf("the former password: %v", err)
	}
	analyst := connect(t, again)
	d.rebuild(t, "jobs") // leaves a schema that the role may read
	role, was, err := analysts.RemoveLogin(t.Context(), d.Pool)
	if err != nil || !was || !strings.HasSuffix(role, "_analyst") {
		t.Fatalf("removed %s: %v (%v)", role, was, err)
	}
	if _, err := pgx.Connect(t.Context(), again); code(err) != "28P01" && code(err) != "28000" {
		t.Errorf("a removed login: %v", err)
	}
	if _, err := analyst.Exec(t.Context(), `select * from jobs`); err == nil {
		t.Error("a session of a removed login reads on")
	}
	if _, was, err := analysts.RemoveLogin(t.Context(), d.Pool); was || err != nil {
		t.Errorf("removed twice: %v (%v)", was, err)
	}
}

var statement = regexp.MustCompile(`(?m)^  (.*;)$`)

// A database user that may not make roles: a sentence says what an administrator runs. Run as it stands, it works.
func TestLoginWhereTheAdministratorMakesRoles(t *testing.T) {
	t.Parallel()
	as := postgres.TestEmptyURL(t)
	admin, err := pgxpool.New(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	database := list(t, admin, `select current_database()::text`)[0]
	plain := database + "_plain"
	if _, err := admin.Exec(t.Context(), fmt.Sprintf(`create role %s login password 'plain'; alter database %s owner to %[1]s`, plain, database)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		back, err := pgx.Connect(context.Background(), as)
		if err != nil {
			t.Error(err)
			return
		}
		defer back.Close(context.Background())
		if _, err := back.Exec(context.Background(), fmt.Sprintf(`reassign owned by %s to current_user; drop owned by %[1]s; drop role %[1]s`, plain)); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(as)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(plain, "plain")
	d := deploy(t, u.String(), everything()...)

	_, err = analysts.MakeLogin(t.Context(), d.Pool)
	if !errors.Is(err, analysts.ErrMayNotMakeRoles) {
		t.Fatalf("a login by a user without CREATEROLE: %v", err)
	}
	steps := statement.FindAllStringSubmatch(err.Error(), -1)
	if len(steps) < 5 {
		t.Fatalf("what an administrator runs: %v", err)
	}
	for _, step := range steps {
		if _, err := admin.Exec(t.Context(), strings.ReplaceAll(step[1], "…", "given")); err != nil {
			t.Fatalf("%s: %v", step[1], err)
		}
	}
	t.Cleanup(func() { _, _, _ = analysts.RemoveLogin(context.Background(), admin) })
	l, err := analysts.MakeLogin(t.Context(), d.Pool)
	if err != nil || l.Password != "" {
		t.Fatalf("with the administrator's role: %+v (%v)", l, err)
	}
	l.Password = "given"
	address, _, err := l.URL(d.url)
	if err != nil {
		t.Fatal(err)
	}
	analyst := connect(t, address)
	d.rebuild(t, "jobs")
	if rows := list(t, analyst, `select ref from jobs`); len(rows) == 0 {
		t.Error("the administrator's role reads no rows after a swap")
	}
	if _, err := analyst.Exec(t.Context(), `select * from kept.credentials`); code(err) != refused {
		t.Errorf("reading logins: %v", err)
	}
}

func TestARoleThatMayMoreIsRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t, postgres.TestURL(t), jobs.Projector{})
	role := analysts.Role(list(t, d.Pool, `select current_database()::text`)[0])
	if _, err := d.Pool.Exec(t.Context(), `create role `+role+` superuser`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = analysts.RemoveLogin(context.Background(), d.Pool) })
	if _, err := analysts.MakeLogin(t.Context(), d.Pool); err == nil || !strings.Contains(err.Error(), "may do more than read") {
		t.Errorf("a superuser as analyst: %v", err)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	l := analysts.Login{Role: "d_analyst", Password: "secret"}
	for from, want := range map[string]string{
		"postgres://me:mine@db.example:5433/d?sslmode=verify-full&pool_max_conns=9&sslkey=/k&application_name=x": "postgres://d_analyst:secret@db.example:5433/d?sslmode=verify-full",
		"postgres://db.example/d?user=me&password=mine":                                                          "postgres://d_analyst:secret@db.example/d",
		"postgres://me:mine@/d?host=/run/pg":                                                                     "postgres://d_analyst:secret@/d?host=%2Frun%2Fpg",
	} {
		got, local, err := l.URL(from)
		if err != nil || got != want || local != strings.Contains(from, "host=/") {
			t.Errorf("%s becomes %s, local %v (%v)", from, got, local, err)
		}
	}
	if got := analysts.Role(strings.Repeat("d", 63)); len(got) != 63 || !strings.HasSuffix(got, "_analyst") {
		t.Errorf("a long database name gives %s", got)
	}
}
