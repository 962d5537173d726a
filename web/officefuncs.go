package web

import "html/template"

// officeFuncs are what the templates of lists, bills and settings may call besides what all may.
func officeFuncs() template.FuncMap {
	return template.FuncMap{
		"money": moneyText,
		"minus": func(n, m int) int { return n - m },
		"inc":   func(n int) int { return n + 1 }, // people count from one
	}
}
