// Package invoices is the read model of bills: a draft for each finished job that is billed and not yet on an invoice, and the invoices issued.
package invoices
