// Package calendar is the read model of jobs by the time they take: the calendar's entries, found by day, week or month.
package calendar
