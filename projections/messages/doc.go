// Package messages is the read model of each job's admin thread (LL-97, LL-98) and of the contacts that staff logged with the customer.
package messages
