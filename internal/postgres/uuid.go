package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// plainUUIDs teaches a connection to send google's UUIDs as their sixteen bytes. By itself pgx takes them for values that convert themselves
// to text, tries that, and parses the text back, which for the columns of a page of events costs more than everything else about them.
func plainUUIDs(_ context.Context, conn *pgx.Conn) error {
	types := conn.TypeMap()
	types.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{encodeUUID}, types.TryWrapEncodePlanFuncs...)
	return nil
}

// plainUUID is a UUID that pgx knows how to send.
type plainUUID uuid.UUID

// UUIDValue implements pgtype.UUIDValuer.
func (u plainUUID) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: u, Valid: true}, nil }

type encodeUUIDPlan struct{ next pgtype.EncodePlan }

func encodeUUID(value any) (plan pgtype.WrappedEncodePlanNextSetter, nextValue any, ok bool) {
	if u, ok := value.(uuid.UUID); ok {
		return &encodeUUIDPlan{}, plainUUID(u), true
	}
	return nil, nil, false
}

// SetNext implements pgtype.WrappedEncodePlanNextSetter.
func (p *encodeUUIDPlan) SetNext(next pgtype.EncodePlan) { p.next = next }

// Encode implements pgtype.EncodePlan.
func (p *encodeUUIDPlan) Encode(value any, buf []byte) ([]byte, error) {
	return p.next.Encode(plainUUID(value.(uuid.UUID)), buf)
}
