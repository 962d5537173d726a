package httpapi

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Bodies of commands. Their fields are optional to the schema wherever a rule of the domain asks for them, so that the domain can name every
// fault at once.

type duration struct {
	Hours   *int `json:"hours,omitempty" doc:"Required, also when zero (II-44)."`
	Minutes *int `json:"minutes,omitempty" doc:"Required, also when zero."`
}

type addressBody struct {
	Line1    string `json:"line1,omitempty" maxLength:"200"`
	Line2    string `json:"line2,omitempty" maxLength:"200"`
	Town     string `json:"town,omitempty" maxLength:"100"`
	Postcode string `json:"postcode,omitempty" maxLength:"20"`
}

type moneyBody struct {
	Amount   string `json:"amount" doc:"Decimal text such as 85.00."`
	Currency string `json:"currency"`
}

func money(m domain.Money) moneyBody { return moneyBody{m.Decimal(), m.Currency} }

// fieldTexts reads the values of form fields: a text, a list of texts, or null to clear.
func fieldTexts(in map[string]any) (map[string][]string, []domain.FieldError) {
	out := make(map[string][]string, len(in))
	var faults []domain.FieldError
	for key, v := range in {
		switch v := v.(type) {
		case nil:
			out[key] = nil
		case string:
			out[key] = []string{v}
		case []any:
			list := make([]string, 0, len(v))
			for _, item := range v {
				s, ok := item.(string)
				if !ok {
					faults = append(faults, domain.FieldError{Location: "body.fields." + key, Message: "Send a text or a list of texts."})
					break
				}
				list = append(list, s)
			}
			out[key] = list
		default:
			faults = append(faults, domain.FieldError{Location: "body.fields." + key, Message: "Send a text or a list of texts."})
		}
	}
	return out, faults
}

type bookingBody struct {
	Form                  string         `json:"form,omitempty" doc:"face-to-face or remote."`
	Customer              string         `json:"customer,omitempty" doc:"Staff only: for whom."`
	Client                string         `json:"client,omitempty"`
	Location              string         `json:"location,omitempty" doc:"One of the customer's, or leave it out and send an address (LL-20)."`
	Address               *addressBody   `json:"address,omitempty"`
	BillTo                string         `json:"billTo,omitempty" maxLength:"200"`
	Language              string         `json:"language,omitempty" doc:"BCP 47, such as pl; BSL is bfi."`
	AlternativeLanguages  []string       `json:"alternativeLanguages,omitempty" maxItems:"10"`
	ServiceType           string         `json:"serviceType,omitempty"`
	InterpretersRequested int            `json:"interpretersRequested,omitempty" minimum:"1" maximum:"50" doc:"Default 1 (II-39)."`
	Start                 string         `json:"start,omitempty" doc:"Local time such as 2026-12-01T10:00; a doubled one carries its offset."`
	TimeZone              string         `json:"timeZone,omitempty" doc:"Default: the location's, else the customer's."`
	Duration              *duration      `json:"duration,omitempty"`
	Fields                map[string]any `json:"fields,omitempty" doc:"What the form adds, by its keys: texts or lists of texts."`
	Acknowledged          []string       `json:"acknowledged,omitempty"`
}

// ValuesBody are values of a job, as an edit changes them and a job made from another one has its own.
type ValuesBody struct {
	Client               *string        `json:"client,omitempty"`
	Location             *string        `json:"location,omitempty"`
	Address              *addressBody   `json:"address,omitempty"`
	BillTo               *string        `json:"billTo,omitempty" maxLength:"200"`
	Language             *string        `json:"language,omitempty"`
	AlternativeLanguages *[]string      `json:"alternativeLanguages,omitempty" maxItems:"10"`
	ServiceType          *string        `json:"serviceType,omitempty"`
	Start                *string        `json:"start,omitempty"`
	TimeZone             *string        `json:"timeZone,omitempty"`
	Duration             *duration      `json:"duration,omitempty"`
	Fields               map[string]any `json:"fields,omitempty"`
}

type EditBody struct {
	Scope  string   `json:"scope,omitempty" enum:"this,following,all"`
	Except []string `json:"except,omitempty" maxItems:"400" doc:"References of jobs that stay as they are."`
	ValuesBody
}

// madeFromBody is a job made from another one: its schedule, and whatever else is to differ.
type madeFromBody struct{ ValuesBody }

type recurringBody struct {
	Frequency    string         `json:"frequency,omitempty" enum:"daily,weekly,monthly" doc:"A day that a month lacks becomes its last day."`
	Interval     *int           `json:"interval,omitempty" doc:"Every so many days, weeks or months; default 1."`
	Weekdays     []string       `json:"weekdays,omitempty" maxItems:"7" doc:"Of a weekly recurrence: mon, tue, wed, thu, fri, sat, sun (II-59). Default: that of startsOn."`
	StartsOn     string         `json:"startsOn,omitempty" doc:"A date; default the original's. Another one moves the original there and needs acknowledged (II-60)."`
	Occurrences  *int           `json:"occurrences,omitempty" doc:"How many jobs are added to the original, those of except included. Either it or until (II-61)."`
	Until        string         `json:"until,omitempty" doc:"The last date, inclusive."`
	Except       []string       `json:"except,omitempty" maxItems:"400" doc:"Dates that are left out."`
	Acknowledged []string       `json:"acknowledged,omitempty" maxItems:"50" doc:"moves-original, if startsOn is another date than the original's."`
	Fields       map[string]any `json:"fields,omitempty" doc:"For what the form does not copy."`
}

type noBody struct{}

type sendOfferBody struct {
	Interpreters  []string   `json:"interpreters" minItems:"1" maxItems:"100" doc:"LINs or ids."`
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"`
	ProposedStart string     `json:"proposedStart,omitempty"`
	Override      string     `json:"override,omitempty" maxLength:"1000" doc:"The reason for going past a rule that allows it."`
}

type interpreterBody struct {
	Interpreter string `json:"interpreter" doc:"LIN or id."`
}

type answerOfferBody struct {
	Interpreter   string `json:"interpreter,omitempty" doc:"Staff: on whose behalf. LIN or id."`
	ProposedStart string `json:"proposedStart,omitempty"`
	Reason        string `json:"reason,omitempty" maxLength:"1000"`
}

type counterOfferBody struct {
	ProposedStart string     `json:"proposedStart,omitempty" doc:"Local time at which you would come."`
	Fee           *moneyBody `json:"fee,omitempty" doc:"For which you would come, in the offer's currency."`
	Reason        string     `json:"reason,omitempty" maxLength:"1000"`
}

type answerCounterBody struct {
	Interpreter string `json:"interpreter" doc:"LIN or id."`
	Accept      bool   `json:"accept" doc:"True holds the job at the new start and fee."`
}

type assignBody struct {
	Interpreter string `json:"interpreter" doc:"LIN or id."`
	Override    string `json:"override,omitempty" maxLength:"1000"`
}

type unassignBody struct {
	Interpreter string `json:"interpreter,omitempty" doc:"LIN or id; an interpreter may leave it out."`
	Reason      string `json:"reason,omitempty" maxLength:"1000"`
}

type etaBody struct {
	ETA string `json:"eta" doc:"Local time of the job, such as 2020-03-26T16:00."`
}

type changeEtaBody struct {
	ETA      string `json:"eta"`
	AgreedBy string `json:"agreedBy,omitempty" maxLength:"200"`
}

type blockBody struct {
	Start string `json:"start" doc:"Local time of the job."`
	End   string `json:"end"`
}

type incidentalBody struct {
	Kind     string     `json:"kind"`
	Quantity string     `json:"quantity,omitempty" doc:"Decimal text."`
	Amount   *moneyBody `json:"amount,omitempty"`
	Note     string     `json:"note,omitempty" maxLength:"1000"`
}

type submitTimesheetBody struct {
	Blocks      []blockBody      `json:"blocks,omitempty" maxItems:"50"`
	Incidentals []incidentalBody `json:"incidentals,omitempty" maxItems:"50"`
	Documents   []uuid.UUID      `json:"documents,omitempty" maxItems:"50"`
	OnBehalfOf  string           `json:"onBehalfOf,omitempty" enum:"customer,interpreter" doc:"Staff only."`
}

type acceptTimesheetBody struct {
	OnBehalfOf string `json:"onBehalfOf,omitempty" enum:"customer,interpreter" doc:"Staff only."`
}

type disputeTimesheetBody struct {
	Reason     string      `json:"reason,omitempty" maxLength:"4000"`
	Blocks     []blockBody `json:"blocks,omitempty" maxItems:"50"`
	OnBehalfOf string      `json:"onBehalfOf,omitempty" enum:"customer,interpreter"`
}

type closeBody struct {
	Start       string           `json:"start,omitempty"`
	End         string           `json:"end,omitempty"`
	Incidentals []incidentalBody `json:"incidentals,omitempty" maxItems:"50"`
	Documents   []uuid.UUID      `json:"documents,omitempty" maxItems:"50"`
	Outcome     string           `json:"outcome,omitempty" enum:"success,not-fulfilled,aborted,client-no-show,worker-no-show,curtailed"`
	Reason      string           `json:"reason,omitempty" maxLength:"1000"`
}

type cancelBody struct {
	Reason       string   `json:"reason,omitempty" maxLength:"200"`
	AuthorisedBy string   `json:"authorisedBy,omitempty" maxLength:"200"`
	Details      string   `json:"details,omitempty" maxLength:"4000"`
	Scope        string   `json:"scope,omitempty" enum:"this,following,all"`
	Except       []string `json:"except,omitempty" maxItems:"400" doc:"References of jobs that stay as they are."`
}

type continueBody struct {
	EditBody
	Blocks []blockBody `json:"blocks,omitempty" maxItems:"50"`
}

type messageBody struct {
	Text string `json:"text" minLength:"1" maxLength:"4000"`
}

type contactBody struct {
	Kind              string `json:"kind,omitempty"`
	Text              string `json:"text,omitempty" maxLength:"4000"`
	NextUpdateMinutes int    `json:"nextUpdateMinutes,omitempty" minimum:"0" maximum:"10080"`
}
