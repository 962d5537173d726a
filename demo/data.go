package demo

import (
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// What the demo's world is made of. All people, organisations and numbers are invented; telephone numbers are from the ranges kept free for drama.

type place struct {
	name, line1, town, postcode string
	at                          domain.Coordinates // zero: nobody has entered any, as it is in life
}

type organisation struct {
	name    string
	clients []string
	places  []place
}

var organisations = []organisation{
	{"Airedale Constabulary", []string{"Custody", "Crime", "Victim Care"}, []place{
		{"Elland Road Custody Suite", "12 Elland Road", "Leeds", "LS11 8TU", domain.Coordinates{}},
		{"Stainbeck Station", "4 Stainbeck Lane", "Leeds", "LS7 3QY", domain.Coordinates{}},
		{"Trafalgar House", "2 Nelson Street", "Bradford", "BD5 0DX", domain.Coordinates{}},
		{"Castle Hill Custody Suite", "Castle Hill Road", "Huddersfield", "HD4 6TA", domain.Coordinates{Lat: 53.6218, Lon: -1.7716}},
	}},
	{"Northmoor Hospitals", []string{"Maternity", "Emergency", "Outpatients"}, []place{
		{"Northmoor Infirmary", "1 Beckett Row", "Leeds", "LS9 7TF", domain.Coordinates{Lat: 53.8066, Lon: -1.52}},
		{"St Hilda's", "Duckworth Lane", "Bradford", "BD9 6RJ", domain.Coordinates{Lat: 53.8063, Lon: -1.7966}},
		{"Calder Clinic", "Salterhebble Hill", "Halifax", "HX3 0PW", domain.Coordinates{}},
	}},
	{"Ridings Magistrates Service", []string{"Listing", "Probation"}, []place{
		{"Westgate Hearing Centre", "6 Westgate", "Leeds", "LS1 3BY", domain.Coordinates{Lat: 53.7983, Lon: -1.5527}},
		{"Tithebarn Hearing Centre", "Tithebarn Street", "Wakefield", "WF1 1QN", domain.Coordinates{Lat: 53.6818, Lon: -1.4973}},
	}},
}

type person struct {
	lin, name, gender string
	languages         []string
}

// The first two are the demo's interpreter logins; the contract fixes their LINs.
var interpreters = []person{
	{"LIN/5455/5J71Y", "Ana Nowak", "female", []string{"pl", "uk"}},
	{"LIN/5466/5J71X", "Benedykt Wilk", "male", []string{"pl", "uk"}},
	{"LIN/1021/7K22A", "Ioana Dobre", "female", []string{"ro"}},
	{"LIN/1034/2B81C", "Mihai Stan", "male", []string{"ro", "it"}},
	{"LIN/1102/9Q40D", "Farah Haddad", "female", []string{"ar"}},
	{"LIN/1117/3L55E", "Omar Saleh", "male", []string{"ar", "ckb"}},
	{"LIN/1130/4M66F", "Shirin Azadi", "female", []string{"fa"}},
	{"LIN/1144/8N12G", "Darius Karimi", "male", []string{"fa", "kmr"}},
	{"LIN/1158/1P93H", "Linh Tran", "female", []string{"vi"}},
	{"LIN/1163/6R24J", "Minh Pham", "male", []string{"vi"}},
	{"LIN/1177/2S35K", "Gulnaz Mirza", "female", []string{"ur", "pa"}},
	{"LIN/1189/7T46L", "Harpreet Gill", "male", []string{"pa", "hi"}},
	{"LIN/1195/5V57M", "Rutuja Kale", "female", []string{"hi", "gu"}},
	{"LIN/1203/3W68N", "Mónica Prieto", "female", []string{"es", "pt"}},
	{"LIN/1218/9X79P", "Tiago Faria", "male", []string{"pt"}},
	{"LIN/1226/4Y80Q", "Hélène Roux", "female", []string{"fr"}},
	{"LIN/1231/8Z91R", "Koffi Mensah", "male", []string{"fr", "tw"}},
	{"LIN/1249/2A02S", "Yetunde Afolabi", "female", []string{"yo"}},
	{"LIN/1254/6B13T", "Abdi Warsame", "male", []string{"so"}},
	{"LIN/1262/1C24U", "Hodan Aden", "female", []string{"so", "ar"}},
	{"LIN/1277/5D35V", "Selam Tesfaye", "female", []string{"am", "ti"}},
	{"LIN/1283/9E46W", "Yonas Berhe", "male", []string{"ti"}},
	{"LIN/1290/3F57X", "Lin Wei", "female", []string{"cmn"}},
	{"LIN/1304/7G68Y", "Chen Bo", "male", []string{"cmn", "yue"}},
	{"LIN/1311/2H79Z", "Zsófia Varga", "female", []string{"hu"}},
	{"LIN/1326/6J80A", "Jānis Ozols", "male", []string{"lv", "ru"}},
	{"LIN/1332/1K91B", "Eglė Petrauskienė", "female", []string{"lt", "ru"}},
	{"LIN/1348/5L02C", "Kateryna Bondar", "female", []string{"uk", "ru"}},
	{"LIN/1355/9M13D", "Erion Hoxha", "male", []string{"sq"}},
	{"LIN/1367/4N24E", "Joanna Finch", "female", []string{"bfi"}},
}

// homes are where the interpreters set out from, in turns: Leeds, Bradford, Huddersfield, Halifax, Wakefield, York.
var homes = []domain.Coordinates{{Lat: 53.7997, Lon: -1.5492}, {Lat: 53.7950, Lon: -1.7594}, {Lat: 53.6458, Lon: -1.7850}, {Lat: 53.7248, Lon: -1.8658},
	{Lat: 53.6833, Lon: -1.4977}, {Lat: 53.9591, Lon: -1.0815}}

// districts are outward codes with their middles, where the demo's places are.
var districts = []string{
	"LS1,53.7968,-1.5478", "LS7,53.8195,-1.5370", "LS9,53.7975,-1.5130", "LS11,53.7768,-1.5530", "BD5,53.7795,-1.7600", "BD9,53.8110,-1.7900",
	"HD4,53.6330,-1.8160", "HX3,53.7380,-1.8430", "WF1,53.6833,-1.4970", "YO1,53.9580,-1.0800",
}

var speakers = []string{
	"Jan Kowalski", "Elena Popa", "Samir Nasser", "Reza Tehrani", "Hoa Nguyen", "Bilal Khan", "Maria Santos", "Amina Yusuf",
	"Tesfay Gebre", "Li Na", "Gabor Toth", "Andris Kalns", "Oksana Melnyk", "Luan Gashi", "Ngozi Eze", "Ricardo Pinto",
}

var officers = []string{"Sergeant Bell", "DC Marsh", "Inspector Hale", "Nurse Okoro", "Dr Lindqvist", "Clerk Ashworth"}

// credentials are what every interpreter of the demo holds.
var credentials = []string{"dbs-enhanced", "npv", "dpsi"}

// waves are how the demo's agency would send offers, once that is switched on: rare languages many at once, and all the faster the nearer the start.
var waves = []people.Wave{
	{Tier: people.TierRare, UnderHours: 24, Size: 10, WaitMinutes: 10},
	{Tier: people.TierRare, Size: 8, WaitMinutes: 180},
	{UnderHours: 3, Size: 6, WaitMinutes: 5},
	{UnderHours: 24, Size: 4, WaitMinutes: 20},
	{Size: 3, WaitMinutes: 240},
}
