package timers

// WavesDueSQL is the statement of WavesDue, for a look at its plan.
const WavesDueSQL = wavesDueSQL
