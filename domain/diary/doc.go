// Package diary decides over one worker's reserved time: the guard against double booking. A diary holds a superset of all windows that are
// assigned to its worker at every instant: time is reserved before a booking claims it, and released after the booking has let it go.
package diary
