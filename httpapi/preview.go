package httpapi

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
)

// PreviewAnswer is what a command would do: decided, and not done.
type PreviewAnswer struct {
	Previewed string           `json:"previewed" doc:"Send it with the command: then it does exactly this, or is refused with 412 stale-preview."`
	Changes   []PreviewItem    `json:"changes"`
	Problem   *Problem         `json:"problem,omitempty" doc:"What the command would be refused with as it was sent, such as a clash."`
	Warnings  []domain.Warning `json:"warnings,omitempty"`
}

// PreviewItem is what would become of one job.
type PreviewItem struct {
	Ref    string         `json:"ref,omitempty" doc:"Of the job; a job to be made has none yet."`
	Result string         `json:"result" enum:"created,changed,skipped,refused"`
	Why    string         `json:"why" doc:"Why a job is skipped or refused; empty otherwise."`
	Status string         `json:"status,omitempty" doc:"Afterwards."`
	Start  *time.Time     `json:"start,omitempty" doc:"Afterwards: the ETA if set, else the requested start."`
	Clash  *PreviewClash  `json:"clash,omitempty"`
	Offers []PreviewOffer `json:"offers" doc:"What becomes of offers, as far as the caller may know them."`
	Notes  []string       `json:"notes" doc:"The activity notes that the caller will read."`
}

// PreviewClash is time that the diary would not give; what has it is told to staff alone.
type PreviewClash struct {
	Interpreter string     `json:"interpreter"`
	Job         string     `json:"job,omitempty"`
	Start       *time.Time `json:"start,omitempty"`
	End         *time.Time `json:"end,omitempty"`
}

// PreviewOffer is what would become of an interpreter's offer.
type PreviewOffer struct {
	Interpreter string     `json:"interpreter"`
	Result      string     `json:"result" enum:"revoked,sent,sent-again,closed"`
	Fee         *moneyBody `json:"fee,omitempty"`
}

// Error, GetStatus: a preview comes in the place of an error, so that nothing that follows a command can happen; it is answered with 200.
func (p *PreviewAnswer) Error() string { return "a preview" }

// GetStatus is the HTTP status.
func (p *PreviewAnswer) GetStatus() int { return http.StatusOK }

func previewOf(p *commands.Preview) *PreviewAnswer {
	out := &PreviewAnswer{Previewed: p.Token, Changes: make([]PreviewItem, 0, len(p.Changes)), Warnings: p.Warnings}
	if p.Problem != nil {
		out.Problem = problemOf(p.Problem)
	}
	for _, c := range p.Changes {
		item := PreviewItem{Ref: c.Ref, Result: c.Result, Why: c.Why, Status: string(c.Status), Start: momentAt(c.Start), Offers: []PreviewOffer{}, Notes: []string{}}
		if c.Clash != nil {
			item.Clash = &PreviewClash{Interpreter: c.Clash.LIN, Job: c.Clash.Job, Start: momentAt(c.Clash.Start), End: momentAt(c.Clash.End)}
		}
		for _, o := range c.Offers {
			offer := PreviewOffer{Interpreter: o.LIN, Result: o.Result}
			if o.Fee != nil {
				fee := money(*o.Fee)
				offer.Fee = &fee
			}
			item.Offers = append(item.Offers, offer)
		}
		item.Notes = append(item.Notes, c.Notes...)
		out.Changes = append(out.Changes, item)
	}
	return out
}

// momentAt is a moment with the offset that it has there; nil for none.
func momentAt(m domain.Moment) *time.Time {
	if m.Instant.IsZero() {
		return nil
	}
	t := m.In()
	return &t
}

var previewType = reflect.TypeFor[PreviewAnswer]()

// previewedField is where a command carries the token of its preview.
const previewedField = "previewed"

// previewing notes that a command is only to be previewed.
func (a *API) previewing(ctx huma.Context, next func(huma.Context)) {
	url := ctx.URL()
	if ctx.Method() == http.MethodGet || ctx.Method() == http.MethodHead || !url.Query().Has("preview") {
		next(ctx)
		return
	}
	preview, err := strconv.ParseBool(ctx.Query("preview"))
	if err != nil {
		a.refuse(ctx, notPreviewed("Send preview=true, or leave it out."))
		return
	}
	next(huma.WithValue(ctx, previewKey, preview))
}

// unforeseen is an operation that is no command to preview: whoever asks for one must not find it done.
func (a *API) unforeseen(op huma.Operation) huma.Operation {
	a.orders[op.OperationID] = false
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		if url := ctx.URL(); url.Query().Has("preview") && ctx.Query("preview") != "false" {
			a.refuse(ctx, notPreviewed("This cannot be previewed. Nothing was done."))
			return
		}
		next(ctx)
	})
	return op
}

func notPreviewed(why string) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", someWrong)
	p.Errors = []domain.FieldError{{Location: "query.preview", Message: why}}
	return p
}

// describePreview says in the document of a command that it can be previewed, and takes the token of its preview.
func (a *API) describePreview(op *huma.Operation) {
	schemas := a.huma.OpenAPI().Components.Schemas
	op.Parameters = append(op.Parameters, &huma.Param{Name: "preview", In: "query", Schema: &huma.Schema{Type: huma.TypeBoolean},
		Description: "Decide and write nothing: the answer says what would become of each job."})
	if op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
		body := op.RequestBody.Content["application/json"].Schema
		for body.Ref != "" {
			body = schemas.SchemaFromRef(body.Ref)
		}
		if body.Properties == nil {
			body.Properties = map[string]*huma.Schema{}
		}
		if body.Properties[previewedField] == nil {
			body.Properties[previewedField] = &huma.Schema{Type: huma.TypeString, Description: "The token of the preview that this is to do exactly."}
			body.PrecomputeMessages()
		}
	}
	answer := schemas.Schema(previewType, true, "PreviewAnswer")
	if op.Responses["200"] == nil {
		op.Responses["200"] = &huma.Response{Description: "A preview: nothing was written.", Content: map[string]*huma.MediaType{}}
	}
	content := op.Responses["200"].Content
	if done := content["application/json"]; done != nil {
		done.Schema = &huma.Schema{AnyOf: []*huma.Schema{done.Schema, answer}}
	} else {
		content["application/json"] = &huma.MediaType{Schema: answer}
	}
}
