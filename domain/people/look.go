package people

import (
	"bytes"
	"encoding/base64"
	"image"
	_ "image/jpeg" // so that both kinds of logo can be read
	_ "image/png"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Look is how the portals show the agency. What is empty is as it comes.
type Look struct {
	Primary  string `json:"primary,omitempty"`  // colour of buttons and links, such as #1f5fa8; dark enough for white text on it
	Header   string `json:"header,omitempty"`   // ground of the header, as dark
	LogoText string `json:"logoText,omitempty"` // in the header, in place of the agency's name
	Logo     string `json:"logo,omitempty"`     // picture in the header, in place of the text: a PNG or JPEG as a data URL
}

// What a logo may be: every change of the settings stores it again, and every page shows it a few lines high.
const (
	maxLogo       = 32 << 10 // bytes
	maxLogoWidth  = 2000     // pixels
	maxLogoHeight = 1000
)

// Picture is the logo's media type and bytes; none: empty.
func (l Look) Picture() (mediaType string, data []byte) {
	mediaType, encoded, ok := strings.Cut(strings.TrimPrefix(l.Logo, "data:"), ";base64,")
	if !ok || mediaType != "image/png" && mediaType != "image/jpeg" {
		return "", nil
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", nil
	}
	return mediaType, data
}

// LogoOf is a picture as Look keeps it, by what its bytes are.
func LogoOf(picture []byte) string {
	_, format, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		format = "unknown" // which is refused
	}
	return "data:image/" + format + ";base64," + base64.StdEncoding.EncodeToString(picture)
}

var colourPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// readable is the contrast that text needs (WCAG 2.2, 1.4.3).
const readable = 4.5

func (f *faults) look(l Look) {
	f.colour("body.look.primary", l.Primary)
	f.colour("body.look.header", l.Header)
	f.text("body.look.logoText", l.LogoText, maxName)
	f.logo(l)
}

func (f *faults) colour(at, colour string) {
	switch {
	case colour == "":
	case !colourPattern.MatchString(colour):
		f.add(at, "Send a colour such as #1f5fa8.")
	case 1.05/(luminance(colour)+.05) < readable:
		f.add(at, "White text could not be read on this colour: send a darker one.")
	}
}

func (f *faults) logo(l Look) {
	if l.Logo == "" {
		return
	}
	const at = "body.look.logo"
	mediaType, data := l.Picture()
	if len(data) > maxLogo || len(l.Logo) > len("data:image/jpeg;base64,")+base64.StdEncoding.EncodedLen(maxLogo) { // base64 may hold any number of line ends
		f.add(at, "Send a picture of at most 32 KB.")
		return
	}
	size, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil, mediaType != "image/"+format:
		f.add(at, "Send a picture in PNG or JPEG.")
	case size.Width > maxLogoWidth || size.Height > maxLogoHeight:
		f.add(at, "Send a picture of at most 2000 by 1000 pixels.")
	default:
		if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
			f.add(at, "This picture is damaged: send it again.")
		}
	}
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
