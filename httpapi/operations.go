package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Asking is what every query may carry.
type Asking struct {
	MinPosition string `header:"Dragoman-Min-Position" doc:"Wait (5 s at most) until what is read has reached this position."`
}

func (a *Asking) minPosition() string { return a.MinPosition }

type asks interface{ minPosition() string }

// answer is a query's result, with how far the read models were.
type answer[O any] struct {
	Position string `header:"Dragoman-Position"`
	ETag     string `header:"ETag"`
	Body     O
}

// get registers a query that reads the named read models. It waits for the position that the caller asks for, then answers with how far
// they were before they were read: never more than what was seen.
func get[I any, O any](a *API, path, summary string, models []string, ask func(context.Context, access.Viewer, *I) (O, error)) {
	op := a.operation(http.MethodGet, path, summary, http.StatusOK)
	_, a.tables[op.OperationID] = any(*new(O)).(interface{ csvRows() any })
	_, a.filtered[op.OperationID] = any(new(I)).(interface{ filters() map[string]string })
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*answer[O], error) {
		reached, err := a.reach(ctx, any(in), models)
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		body, err := ask(ctx, viewer(ctx), in)
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		out := &answer[O]{Position: reached, Body: body}
		if r, ok := any(body).(interface{ revision() uint64 }); ok {
			out.ETag = etag(r.revision())
		}
		return out, nil
	})
}

func (a *API) reach(ctx context.Context, in any, models []string) (string, error) {
	if len(models) == 0 {
		return "", nil
	}
	if q, ok := in.(interface{ alsoReads() []string }); ok {
		models = append(slices.Clone(models), q.alsoReads()...)
	}
	if q, ok := in.(asks); ok && q.minPosition() != "" {
		min, err := parsePosition(q.minPosition())
		if err != nil {
			return "", err
		}
		if err := a.models.WaitFor(ctx, min, models...); err != nil {
			return "", err
		}
	}
	p, err := a.models.Position(ctx, models...)
	if err != nil {
		return "", err
	}
	return position(p), nil
}

// Ordering is what every command may carry.
type Ordering struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Yours for ever: the same key repeats the answer of an accepted command."`
	IfMatch        string `header:"If-Match" doc:"The revision you decided on; a stale one is 412."`
	method, path   string
}

// Resolve notes the method and path, which belong to the key.
func (o *Ordering) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	o.method, o.path = ctx.Method(), u.Path
	return nil
}

type order[B any] struct {
	Ordering
	Body    B
	RawBody []byte
}

// Resolve notes the method and path, which its own method hides from being called, and finds the texts that cannot be stored.
func (o *order[B]) Resolve(ctx huma.Context) []error {
	return append(o.Ordering.Resolve(ctx), unstorable(o.RawBody)...)
}

type jobOrder[B any] struct {
	Ordering
	Ref     string `path:"ref" maxLength:"40"`
	Body    B
	RawBody []byte
}

// Resolve notes the method and path, which its own method hides from being called, and finds the texts that cannot be stored.
func (o *jobOrder[B]) Resolve(ctx huma.Context) []error {
	return append(o.Ordering.Resolve(ctx), unstorable(o.RawBody)...)
}

type idOrder[B any] struct {
	Ordering
	ID      uuid.UUID `path:"id"`
	Body    B
	RawBody []byte
}

// Resolve notes the method and path, which its own method hides from being called, and finds the texts that cannot be stored.
func (o *idOrder[B]) Resolve(ctx huma.Context) []error {
	return append(o.Ordering.Resolve(ctx), unstorable(o.RawBody)...)
}

// request is what the command handler needs to know about this HTTP request.
func (a *API) request(ctx context.Context, name string, o Ordering, raw []byte) (commands.Request, error) {
	match, err := parseIfMatch(o.IfMatch)
	if err != nil {
		return commands.Request{}, err
	}
	v := viewer(ctx)
	asked, previewed := canonical(raw)
	req := commands.Request{
		Viewer: v, Name: name, At: v.Now, IfMatch: match, Canonical: asked, Previewed: previewed,
		CommandID: commands.CommandID(v.User, o.method, o.path, o.IdempotencyKey),
	}
	if req.Preview, _ = ctx.Value(previewKey).(bool); req.Preview {
		req.CommandID, req.Previewed = uuid.New(), "" // a preview is never the command itself, whatever its key has done before
	}
	if id, err := uuid.Parse(requestID(ctx)); err == nil {
		req.Correlation = id // the caller's own thread of work
	}
	return req, nil
}

// canonical writes a body in one form, so that spaces and the order of keys make no other request of it. The token of a preview is not part of
// what is asked for: it stands beside it.
func canonical(raw []byte) (asked []byte, previewed string) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw, ""
	}
	if body, ok := v.(map[string]any); ok {
		if previewed, ok = body[previewedField].(string); ok {
			delete(body, previewedField)
		}
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw, ""
	}
	return out, previewed
}

// commandAnswer carries what every accepted command answers.
type commandAnswer[O any] struct {
	Position string `header:"Dragoman-Position"`
	ETag     string `header:"ETag"`
	Body     O
}

// operation describes a route; its id and tag come from its path.
func (a *API) operation(method, path, summary string, status int) huma.Operation {
	tag := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 2)[0]
	id := strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
	a.orders[id] = method != http.MethodGet
	return huma.Operation{
		OperationID: id,
		Method:      method, Path: path, Summary: summary, Tags: []string{tag}, DefaultStatus: status,
		MaxBodyBytes: maxBody,
		Middlewares:  huma.Middlewares{a.signedIn, a.previewing, a.acceptable(id)},
		Security:     []map[string][]string{{"bearer": {}}, {"session": {}}},
		Errors:       []int{400, 401, 403, 404, 409, 412, 422, 429, 500, 503},
	}
}

// acceptable refuses who asks for a table alone where there is none, and answers JSON to whoever takes that too: JSON under the name of a table
// would be taken for one.
func (a *API) acceptable(operation string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		switch accept := ctx.Header("Accept"); {
		case a.tables[operation] || !strings.Contains(accept, "csv"):
			next(ctx)
		case strings.Contains(accept, "json") || strings.Contains(accept, "*/*"):
			next(jsonOnly{ctx})
		default:
			a.refuse(ctx, problem(http.StatusNotAcceptable, "not-acceptable", "This address answers JSON, not a table."))
		}
	}
}

type request = huma.Context // has a method Context, so it cannot be embedded under its own name

// jsonOnly is a request that takes nothing but JSON.
type jsonOnly struct{ request }

// Header says so.
func (c jsonOnly) Header(name string) string {
	if name == "Accept" {
		return "application/json"
	}
	return c.request.Header(name)
}

// Unwrap is the request as it came.
func (c jsonOnly) Unwrap() huma.Context { return c.request }

// may says who may send the operation at all: asked before anyone is told what is wrong with a body, for the contract's order of checks.
func (a *API) may(op huma.Operation, ask func(ctx context.Context, v access.Viewer, param func(string) string) error) huma.Operation {
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		c := ctx.Context()
		next(huma.WithValue(ctx, mayKey, func() error { return a.answerTo(c, ask(c, viewer(c), ctx.Param)) }))
	})
	return op
}

// mayManage is may for what belongs to an area.
func (a *API) mayManage(op huma.Operation, area access.Area) huma.Operation {
	return a.may(op, func(_ context.Context, v access.Viewer, _ func(string) string) error {
		return access.MayManage(v, area)
	})
}

// mayOnJob is may for a command about a job.
func (a *API) mayOnJob(op huma.Operation, command string) huma.Operation {
	return a.may(op, func(ctx context.Context, v access.Viewer, param func(string) string) error {
		return a.commands.MayOnJob(ctx, v, param("ref"), command)
	})
}

// mayAt is may for what has an id.
func (a *API) mayAt(op huma.Operation, ask func(ctx context.Context, v access.Viewer, id uuid.UUID) error) huma.Operation {
	return a.may(op, func(ctx context.Context, v access.Viewer, param func(string) string) error {
		id, err := uuid.Parse(param("id"))
		if err != nil {
			return notFound()
		}
		return ask(ctx, v, id)
	})
}

// positioned is what a command's answer tells about its place in the log.
func positioned[O any](p eventschema.Position, revision *uint64, body O) *commandAnswer[O] {
	out := &commandAnswer[O]{Position: position(p), Body: body}
	if revision != nil {
		out.ETag = etag(*revision)
	}
	return out
}
