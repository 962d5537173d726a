package web

import "html/template"

// officeFuncs are what the templates of lists, bills and settings may call besides what all may.
func officeFuncs() template.FuncMap {
	return template.FuncMap{
		"money": moneyText,
		"inc":   func(n int) int { return n + 1 }, // people count from one
	}
}
