// Package windows calculates until when customers may book, change and cancel (II-70, II-71, II-82, LL-113, D-06, M-06): a span in hours,
// or in working days, or a time of the working day before, counted back from a job's start in the job's own zone. Working days are Monday to
// Friday without the bank holidays of the nation where the job is. Bank holidays come from a generated table (see holidays/) and from the days
// that the agency adds. Everything here is a pure function of its arguments.
package windows
