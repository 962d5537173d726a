// Package dashboard is the read model behind the four tiles of the first page (LL-08, D-07), counted from indexes however many jobs there are.
package dashboard
