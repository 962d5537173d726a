// Package domain holds the words that every room shares: a refusal, a moment in local time, text about a person, an amount of
// money, who acts. The packages below it decide: each takes what has happened and a wish, and answers with what happens next.
// Nothing here reads a clock, a file, a network or a random source; times and ids arrive in the command.
package domain
