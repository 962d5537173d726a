package people

import (
	"math"
	"regexp"
	"strconv"
)

// Look is how the portals show the agency. What is empty is as it comes.
type Look struct {
	Primary  string `json:"primary,omitempty"`  // colour of buttons and links, such as #1f5fa8; dark enough for white text on it
	LogoText string `json:"logoText,omitempty"` // in the header, in place of the agency's name
}

var colourPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// readable is the contrast that text needs (WCAG 2.2, 1.4.3).
const readable = 4.5

func (f *faults) look(l Look) {
	switch {
	case l.Primary == "":
	case !colourPattern.MatchString(l.Primary):
		f.add("body.look.primary", "Send a colour such as #1f5fa8.")
	case 1.05/(luminance(l.Primary)+.05) < readable:
		f.add("body.look.primary", "White text could not be read on this colour: send a darker one.")
	}
	f.text("body.look.logoText", l.LogoText, maxName)
}

// Channels are the red, green and blue of a colour such as #1f5fa8; of anything else black's.
func Channels(colour string) [3]uint8 {
	if !colourPattern.MatchString(colour) {
		return [3]uint8{}
	}
	n, _ := strconv.ParseUint(colour[1:], 16, 32) // six hexadecimal digits never fail
	return [3]uint8{uint8(n >> 16), uint8(n >> 8), uint8(n)}
}

// luminance is how bright a colour is, from 0 to 1, as WCAG reckons it.
func luminance(colour string) float64 {
	var linear [3]float64
	for i, c := range Channels(colour) {
		s := float64(c) / 255
		if s <= .04045 {
			linear[i] = s / 12.92
		} else {
			linear[i] = math.Pow((s+.055)/1.055, 2.4)
		}
	}
	return .2126*linear[0] + .7152*linear[1] + .0722*linear[2]
}
