// Package timers is the read model of what is due by the clock: the promises of contact (LL-60..64) and the ends of offers.
package timers
