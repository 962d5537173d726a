// Package accounts keeps what must never stand in the event log: how people sign in, their sessions and tokens, and the
// keys that seal personal values. All of it lies in schema kept, which is migrated and backed up, and which no rebuild
// touches. Instants here are by the machine's clock; the business clock of a test never reaches sign-in.
//
// # Secrets
//
// A token is 256 random bits, shown once and stored as its SHA-256: the hash of so much chance cannot be guessed, so it
// needs no salt and no slowness. A password is stored as argon2id. Neither passwords, tokens nor keys appear in errors or
// logs. Nothing about a session is cached, so revoking one works at once in every process.
//
// # Personal-data keys
//
// One key per subject seals that subject's personal values in the log; destroying the key erases the subject. A key must
// be durable before the event that it seals, but a command should not pay a commit for it. So [Keys] claims keys in
// batches, commits that, and gives them out from memory. A process that dies loses its claim, not a key in use: unused
// keys are waste, and waste is harmless. One that stops in good order hands its claim back.
//
// The keys are wrapped by a master key that lies outside Postgres, so a stolen database opens nothing. The key id is bound
// into the wrapping, so rows cannot be exchanged.
package accounts
