package httpapi

func (a *API) invoices() {}
