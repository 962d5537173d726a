//go:build race

package eventlog

// raceDetector: Watermill's TestReconnect itself notes in one goroutine what it reads in another.
const raceDetector = true
