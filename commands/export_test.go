package commands

// Remembers tells whether this process keeps a booking folded.
func (h *Handler) Remembers(stream string) bool {
	_, known := h.bookings.remembered(stream)
	return known
}
