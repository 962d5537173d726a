// Package eventschema is the published contract of the event log: every stored event type and version, the Go shape it has today, what its
// metadata holds, and how text about people is sealed.
//
// A stored type is <stream kind>.<past tense>.v<n>, written by hand in catalogue.go and never derived from Go names, so renaming a Go type is
// free. An optional field needs no new version; a new meaning does: the new name becomes the current one and the old name gets an upcast,
// one step from one version to the next, raw JSON in and out. The rest of the house sees only today's types.
//
// A personal value is sealed under its person's key when the event is encoded and opened when it is decoded. The place where it stands
// (stream, event type, field path) is bound to it, so a sealed text that is moved elsewhere does not open. When a person is erased, the key
// is destroyed and the same bytes read "[erased]" from then on.
//
// Sealing draws a random nonce, so encoding an event twice gives different bytes and a different id: a decision is encoded once, and the
// same bytes are sent again when an append's outcome is unknown.
package eventschema
