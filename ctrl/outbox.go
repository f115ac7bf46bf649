package ctrl

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// outbox writes messages to another process, in order. Sending never waits, whether that process reads or not.
type outbox struct {
	mail    *mailbox
	encoder *json.Encoder
	err     error // the first of any write; it belongs to run
}

func newOutbox(to io.Writer) *outbox {
	return &outbox{mail: newMailbox(), encoder: json.NewEncoder(to)}
}

// send takes a message, which must not change any more.
func (o *outbox) send(message any) { o.mail.put(func() { o.write(message) }) }

func (o *outbox) write(message any) {
	if o.err == nil {
		o.err = o.encoder.Encode(message)
	}
}

// run writes until ctx ends or a write fails, and a sign of life every so often.
func (o *outbox) run(ctx context.Context, every time.Duration, sign any) error {
	beats := time.NewTicker(every)
	defer beats.Stop()
	for o.err == nil {
		select {
		case <-o.mail.ready:
			for _, do := range o.mail.take() {
				do()
			}
		case <-beats.C:
			o.write(sign)
		case <-ctx.Done():
			return nil
		}
	}
	return o.err
}
