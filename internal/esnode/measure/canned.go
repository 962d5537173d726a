package measure

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
	"github.com/dragoman-booking/dragoman/internal/esnode/wire"
)

// ServeCanned runs a node that stores nothing until the context ends. It calls listening with the connection string.
func ServeCanned(ctx context.Context, listening func(url string)) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve canned events: %w", err)
	}
	event := log.Event{Stream: streamName(0), Position: 1 << 20, ID: newID(), Type: EventType, JSON: true, Created: 1 << 54, Data: newData()}
	server := wire.NewCanned(event, 1<<40)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	listening("esdb://" + listener.Addr().String() + "?tls=false")
	if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve canned events: %w", err)
	}
	return nil
}
