package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/projections"
)

// Problem is an error answer, application/problem+json (RFC 9457). Code is stable; values that the caller sent are never repeated.
type Problem struct {
	Type    string              `json:"type" doc:"A page about this kind of problem, or about:blank."`
	Title   string              `json:"title"`
	Status  int                 `json:"status"`
	Detail  string              `json:"detail"`
	Code    string              `json:"code" doc:"Stable, kebab-case."`
	Errors  []domain.FieldError `json:"errors,omitempty" doc:"Every faulty input at once."`
	Choices []string            `json:"choices,omitempty" doc:"What may be sent instead."`
	Actions []domain.Action     `json:"actions,omitempty" doc:"Commands that help, ready to send."`
	Until   string              `json:"until,omitempty" doc:"Instant until which it would have been possible."`
	Changed []string            `json:"changed,omitempty" doc:"What happened since the revision in If-Match."`
	Preview *PreviewAnswer      `json:"preview,omitempty" doc:"Of a stale preview: what the command would do now."`
	Reasons []domain.Because    `json:"reasons,omitempty" doc:"Which rules spoke for and against an interpreter; kept nowhere else (N-04)."`

	retryAfter int
}

func (p *Problem) Error() string { return p.Code }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes every error answer a problem document, whatever was asked for.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func problem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

// codes of errors that the HTTP layer itself finds.
var codes = map[int]string{
	http.StatusBadRequest:            "not-json",
	http.StatusUnauthorized:          "not-signed-in",
	http.StatusForbidden:             "not-permitted",
	http.StatusNotFound:              "not-found",
	http.StatusMethodNotAllowed:      "method-not-allowed",
	http.StatusNotAcceptable:         "not-acceptable",
	http.StatusConflict:              "conflict",
	http.StatusPreconditionFailed:    "stale-revision",
	http.StatusRequestEntityTooLarge: "too-large",
	http.StatusUnsupportedMediaType:  "not-json",
	http.StatusUnprocessableEntity:   "invalid",
	http.StatusTooManyRequests:       "too-many-requests",
	http.StatusInternalServerError:   "internal",
	http.StatusServiceUnavailable:    "unavailable",
	http.StatusRequestTimeout:        "timeout",
}

// init makes huma's own errors problems of ours: same shape, stable codes, no echoed values.
func init() {
	huma.NewError = newError
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		// What is wrong with a body concerns only who may know the thing and do this to it (404, 403 come first).
		if may, ok := ctx.Context().Value(mayKey).(func() error); ok && status >= 400 && status < 500 && status != http.StatusRequestEntityTooLarge {
			var no huma.StatusError
			if errors.As(may(), &no) {
				return no
			}
		}
		return newError(status, message, errs...)
	}
}

func newError(status int, message string, errs ...error) huma.StatusError {
	if status == http.StatusUnsupportedMediaType {
		status = http.StatusBadRequest
	}
	var faults []domain.FieldError
	for _, err := range errs {
		var d huma.ErrorDetailer
		switch {
		case status == http.StatusBadRequest || status >= 500: // what a parser says repeats what was sent
		case !errors.As(err, &d):
			faults = append(faults, domain.FieldError{Location: "body", Message: err.Error()})
		case strings.HasPrefix(d.ErrorDetail().Location, "path."):
			return notFound() // nothing has such a name
		default:
			faults = append(faults, domain.FieldError{Location: d.ErrorDetail().Location, Message: inOurWords(d.ErrorDetail().Message)})
		}
	}
	switch status {
	case http.StatusBadRequest:
		message = "The body is not JSON of the expected form."
	case http.StatusUnprocessableEntity:
		message = someWrong
	case http.StatusRequestEntityTooLarge:
		message = "The request is larger than this address accepts."
	}
	p := problem(status, codes[status], message)
	if p.Code == "" {
		p.Code = "error"
	}
	p.Errors = faults
	return p
}

// inOurWords replaces messages of parsers, which repeat what was sent or name what only we know.
func inOurWords(message string) string {
	if strings.HasPrefix(message, "json: ") || strings.HasPrefix(message, "invalid value: ") {
		return "This value is not of the expected form."
	}
	return message
}

// unavailable is a 503: nothing was lost, the caller may send the same again.
func unavailable(code, detail string) *Problem {
	p := problem(http.StatusServiceUnavailable, code, detail)
	p.retryAfter = 1
	return p
}

// answerTo turns an error of the rooms below into the answer that the contract gives for it. What it does not know is a 500 with a plain
// sentence; the cause goes to the log, never to the caller.
func (a *API) answerTo(ctx context.Context, err error) error {
	var (
		known   huma.StatusError
		refusal *domain.Refusal
		limited *retryLater
		preview *commands.Preview
		stale   *commands.StalePreview
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		switch p, ok := known.(*Problem); {
		case ok && p.retryAfter > 0:
			return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {strconv.Itoa(p.retryAfter)}})
		case ok && p.Status == http.StatusUnauthorized:
			return huma.ErrorWithHeaders(p, http.Header{"Www-Authenticate": {"Bearer"}})
		}
		return known
	case errors.As(err, &preview):
		return previewOf(preview)
	case errors.As(err, &refusal):
		p := problemOf(refusal)
		if errors.As(err, &stale) {
			p.Preview = previewOf(stale.Now)
		}
		return p
	case errors.As(err, &limited):
		p := problem(http.StatusTooManyRequests, "too-many-requests", "Too many attempts. Wait a little, then try again.")
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {strconv.Itoa(limited.seconds)}})
	case errors.Is(err, eventschema.ErrBehind), errors.Is(err, projections.ErrNotReady):
		return a.answerTo(ctx, unavailable("read-model-behind", "What you asked to see is still being worked on. Nothing was lost; ask again shortly."))
	case errors.Is(err, accounts.ErrBackup):
		p := unavailable("unavailable", "A backup is being made, and nobody is erased meanwhile. Send the same request again later.")
		p.retryAfter = 30
		return a.answerTo(ctx, p)
	case errors.Is(err, eventschema.ErrUnavailable), errors.Is(err, eventschema.ErrConflict):
		return a.answerTo(ctx, unavailable("unavailable", "The booking log did not answer in time. Nothing acknowledged was lost; send the same request again."))
	case projections.Away(err):
		a.log.WarnContext(ctx, "the database was away", slog.String("request", requestID(ctx)), slog.Any("cause", err))
		return a.answerTo(ctx, unavailable("unavailable", "The database did not answer. Nothing acknowledged was lost; send the same request again."))
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return a.answerTo(ctx, unavailable("unavailable", "The request took too long and was given up. Send the same request again."))
	}
	a.log.ErrorContext(ctx, "request failed", slog.String("request", requestID(ctx)), slog.Any("cause", err))
	return problem(http.StatusInternalServerError, "internal", "Something went wrong on our side. It has been logged; please try again.")
}

// problemOf is a refusal as the contract writes it.
func problemOf(refusal *domain.Refusal) *Problem {
	p := problem(refusal.Status, refusal.Code, refusal.Detail)
	p.Errors, p.Choices, p.Actions, p.Until = refusal.Errors, refusal.Choices, refusal.Actions, refusal.Until
	p.Reasons = refusal.Trace
	for _, c := range refusal.Changed {
		p.Changed = append(p.Changed, c.Command)
	}
	return p
}

// wrong answers that what was sent is wrong, to whoever may send it at all.
func (a *API) wrong(ctx context.Context, err error) error {
	if may, ok := ctx.Value(mayKey).(func() error); ok {
		if no := may(); no != nil {
			return no
		}
	}
	return a.answerTo(ctx, err)
}

type retryLater struct{ seconds int }

func (*retryLater) Error() string { return "too many attempts" }

// notFound is the one answer for "unknown" and "not yours".
func notFound() *Problem {
	return problem(http.StatusNotFound, "not-found", "There is no such thing, or it is not yours to see.")
}

func notSignedIn() *Problem {
	return problem(http.StatusUnauthorized, "not-signed-in", "Sign in first: the request carries no valid token or session.")
}

// plainProblem answers outside huma: unknown paths, panics, bodies over the limit.
func plainProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	var b strings.Builder
	_ = jsonEncode(&b, p)
	_, _ = w.Write([]byte(b.String()))
}
