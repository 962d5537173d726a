// Package arrows keeps the house in order: which room may import which is checked by a test, not by habit.
package arrows
