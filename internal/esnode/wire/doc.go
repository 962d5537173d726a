// Package wire speaks EventStoreDB's gRPC protocol on top of a log: the services Streams, ServerFeatures and Gossip, one file per family
// of calls. What is not spoken (BatchAppend, persistent subscriptions, projections, users, …) is not listed among the supported methods
// and answered with Unimplemented.
package wire
