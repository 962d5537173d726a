package messages

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queries answers what was said about a job.
type Queries struct{ Models *projections.Models }

// Author is who wrote. Name is empty where the viewer may not know it: a customer reads the names of its own people, of the agency's the role.
type Author struct {
	ID   uuid.UUID
	Name string
	Role domain.Role
}

// Message is one entry of a job's admin thread.
type Message struct {
	ID     uuid.UUID
	At     time.Time // UTC
	Author Author
	Text   string
}

// Contact is one entry of a job's contact log. NextUpdateMinutes is 0 if no next update was agreed with it.
type Contact struct {
	Message
	Kind              string // call, email, update
	NextUpdateMinutes int
}

// row is an entry as stored, or the bare job if it has none.
type row struct {
	ID           *uuid.UUID
	At           *time.Time
	Author       *uuid.UUID
	AuthorRole   *domain.Role
	Text         *string
	UserName     *string
	UserCustomer *uuid.UUID
	Kind         *string
	Minutes      *int
}

// Thread is a job's admin messages in the order in which they were posted (LL-97). It answers 404 to whoever may not know the job and to every
// interpreter (LL-98), and the refusal to those of the agency who do not read threads.
func (q Queries) Thread(ctx context.Context, v access.Viewer, ref string) ([]Message, error) {
	found, err := q.read(ctx, v, ref, access.AdminMessages, "messages", "null::text as kind, null::integer as minutes")
	if err != nil {
		return nil, err
	}
	thread := make([]Message, 0, len(found))
	for _, r := range found {
		thread = append(thread, r.message(v))
	}
	return thread, nil
}

// Contacts is how the customer was told or reached about a job, in order (LL-60..64): for those of the agency who keep such promises. It
// refuses as Thread does.
func (q Queries) Contacts(ctx context.Context, v access.Viewer, ref string) ([]Contact, error) {
	found, err := q.read(ctx, v, ref, access.ContactLog, "contacts", "m.kind, m.next_update_minutes as minutes")
	if err != nil {
		return nil, err
	}
	log := make([]Contact, 0, len(found))
	for _, r := range found {
		log = append(log, Contact{Message: r.message(v), Kind: *r.Kind, NextUpdateMinutes: *r.Minutes})
	}
	return log, nil
}

func (q Queries) read(ctx context.Context, v access.Viewer, ref string, class access.Class, table, columns string) ([]row, error) {
	if v.Role == domain.Interpreter {
		return nil, unknown() // LL-98: not even that there is a thread
	}
	var args jobrow.Args
	sql := fmt.Sprintf(`
		select m.id, m.at, m.author, m.author_role, m.text, u.name as user_name, u.customer as user_customer, %[1]s
		from (select job from {messages}.jobs where ref = %[2]s and %[3]s) as j
		left join {messages}.%[4]s m on m.job = j.job
		left join {messages}.users u on u.user_id = m.author
		order by m.revision`, columns, args.Add(ref), jobrow.Within(v, &args, ""), table)
	found, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[row], sql, args...)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the %s of a job: %w", table, err)
	case len(found) == 0:
		return nil, unknown()
	case !access.CanSee(v, relation(v), false, class):
		return nil, domain.Forbidden("not-permitted", "Your account does not allow this. Please contact the agency.")
	case found[0].ID == nil:
		return nil, nil // the job has none
	}
	return found, nil
}

// relation is how a viewer stands to a job that is within the viewer's sight; interpreters do not come this far.
func relation(v access.Viewer) access.Relation {
	if v.OfCustomer() {
		return access.Own
	}
	return access.Agency
}

func (r row) message(v access.Viewer) Message {
	m := Message{ID: *r.ID, At: r.At.UTC(), Author: Author{ID: *r.Author, Role: *r.AuthorRole}, Text: *r.Text}
	if r.UserName != nil {
		m.Author.Name = jobrow.NameFor(v, *r.Author, *r.UserName, r.UserCustomer, nil)
	}
	return m
}

func unknown() error { return domain.NotFound("There is no such job, or it is not yours to see.") }
