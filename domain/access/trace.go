package access

import (
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/matching"
)

// ruleClasses are the rules of matching that tell what the customer said, and as what. Every other rule tells about the interpreter and the job's
// basics.
var ruleClasses = map[string]Class{
	matching.RulePrecluded: Preferences,
	matching.RulePreferred: Preferences,
	matching.RuleGender:    CaseDetails,
	matching.RuleCustody:   CustodyClock,
}

// RuleWithheld stands in a trace for rules against an interpreter that the viewer may not read.
const RuleWithheld = "withheld"

// SeeTrace leaves of a trace what the viewer, standing so to the job, may read (N-04). That something speaks against the interpreter is not
// hidden from staff, only what. It does not change its argument.
func SeeTrace(v Viewer, rel Relation, remoteJob bool, trace []domain.Because) []domain.Because {
	out := make([]domain.Because, 0, len(trace))
	withheld := false
	for _, b := range trace {
		class, told := ruleClasses[b.Rule]
		switch {
		case !told || CanSee(v, rel, remoteJob, class):
			out = append(out, b)
		case b.Finding == domain.Against && v.Role != domain.Interpreter: // what the customer would rather not have is not hinted at to the one it is about
			withheld = true
		}
	}
	if withheld {
		out = append(out, domain.Because{Rule: RuleWithheld, Version: 1, Finding: domain.Against, Text: "There is a reason that you may not read."})
	}
	return out
}
