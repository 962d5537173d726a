// Package telemetry makes the spans of traces: which request led to which command, which append, which page of which read model, and how long
// each took. Spans hold names, counts, stream names and ids, never personal data.
//
// Tracing costs nothing when it is off. Off is the nil *Traces and the zero Span, whose methods do nothing and allocate nothing, so the rooms
// call them without asking. A [Traces] begins spans where work begins: a request, a command, a page. [Start] goes on with the span that a
// context holds and is off where there is none, so the event log needs no Traces of its own.
package telemetry
