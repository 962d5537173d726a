package eventlog

import (
	"time"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// forgetAgain is when what an erased person's keys open is forgotten once more. The event comes before the keys are destroyed, so this process
// may read the person once more in between; whoever erases has destroyed them long before this.
const forgetAgain = time.Minute

// forget drops what this process remembers of erased persons, whichever process erased them: their keys, and what FeedConfig.Erased drops.
func (f *Feed) forget(page eventschema.Page) {
	for _, e := range page {
		ids := eventschema.ErasedKeys(e.Event)
		if ids == nil {
			continue
		}
		drop := func() {
			f.Codec.Forget(ids)
			if f.Erased != nil {
				f.Erased(e.Stream, ids)
			}
		}
		drop()
		time.AfterFunc(f.ForgetAgain, drop)
	}
}
