package domain

import "time"

// How often a schedule comes back.
const (
	Daily   = "daily"
	Weekly  = "weekly"
	Monthly = "monthly"
)

// Recurrence is a fixed schedule of days (II-58..61). Its days are dates of a calendar without zones, written as midnight UTC.
type Recurrence struct {
	Frequency string         // daily, weekly or monthly
	Interval  int            // every so many days, weeks or months, from 1
	Weekdays  []time.Weekday // of a weekly one; none: that of First
	First     time.Time      // the day it starts on, which is not one of its days
	Count     int            // how many days it has; 0: Until says
	Until     time.Time      // the last day that may be one
}
