// The calendar drawn by months, weeks and days. What is shown, its title and its neighbours say the server's pages; this draws the jobs, in
// local times of the viewer that the server wrote: the browser's clock and zone play no part. Without it the same page is a list.
import { Calendar, type EventInput } from 'fullcalendar'
import classic from 'fullcalendar/themes/classic'
import dayGrid from 'fullcalendar/daygrid'
import timeGrid from 'fullcalendar/timegrid'
import { fill, rowMenus } from './menus'
import './calendar.css'

interface Job {
  ref: string; language: string; kind: string; start: string; end: string; status: string; statusText: string
  service: string; createdBy?: string; when: string; own?: string
}

const views: Record<string, string> = { month: 'dayGridMonth', week: 'timeGridWeek', day: 'timeGridDay' }
const signs: Record<string, string> = { requested: '?', new: '○', assigned: '●', ongoing: '◐', complete: '✓', cancelled: '✕' }

const bar = () => document.getElementById('cal-bar') as HTMLElement
const word = (name: string) => document.getElementById('cal-words')?.dataset[name] ?? ''

let calendar: Calendar | undefined
let asking: AbortController | undefined

export function start(card: HTMLElement): void {
  rowMenus(card)
  card.addEventListener('click', (e) => {
    const link = (e.target as HTMLElement).closest<HTMLAnchorElement>('a[data-cal]')
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return
    e.preventDefault()
    void go(card, link.getAttribute('href') ?? '')
  })
  const form = document.getElementById('cal-form') as HTMLFormElement
  const send = () => {
    const query = new URLSearchParams()
    for (const [name, value] of new FormData(form)) if (typeof value === 'string' && value !== '') query.set(name, value)
    void go(card, `/calendar?${query}`)
  }
  form.addEventListener('submit', (e) => { e.preventDefault(); send() })
  form.addEventListener('change', send)
  document.getElementById('cal-again')?.addEventListener('click', () => { calendar?.refetchEvents() })
  let shown = location.search
  addEventListener('popstate', () => { if (location.search !== shown) location.reload() }) // not for a link within the page
  card.addEventListener('cal-shown', () => { shown = location.search })
  matchMedia('(max-width: 48rem)').addEventListener('change', () => draw(card, false))
  draw(card)
}

// go shows another page of the calendar in place of this one.
async function go(card: HTMLElement, address: string): Promise<void> {
  asking?.abort()
  asking = new AbortController()
  const focused = document.activeElement?.id
  try {
    const answer = await fetch(address, { signal: asking.signal })
    if (!answer.ok || answer.redirected) { location.assign(address); return }
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const id of ['cal-bar', 'cal-agenda', 'cal-hidden', 'cal-places', 'cal-tabular']) {
      const fresh = page.getElementById(id)
      const old = document.getElementById(id)
      if (!fresh || !old) { location.assign(address); return }
      if (id !== 'cal-bar') { old.replaceWith(document.adoptNode(fresh)); continue }
      // The bar stays, so that the title is said and what was pressed keeps the focus.
      for (const name of ['view', 'date', 'now', 'events', 'explicit']) {
        if (fresh.dataset[name] === undefined) delete old.dataset[name]
        else old.dataset[name] = fresh.dataset[name]
      }
      for (const link of fresh.querySelectorAll<HTMLAnchorElement>('a[data-cal]')) {
        const own = document.getElementById(link.id) as HTMLAnchorElement
        own.href = link.getAttribute('href') ?? own.href
        own.className = link.className
        if (link.hasAttribute('aria-current')) own.setAttribute('aria-current', 'true')
        else own.removeAttribute('aria-current')
      }
      const title = document.getElementById('cal-title')
      if (title) title.textContent = fresh.querySelector('#cal-title')?.textContent ?? ''
    }
    const date = page.getElementById('cal-date') as HTMLInputElement
    ;(document.getElementById('cal-date') as HTMLInputElement).value = date.value
    card.classList.toggle('cal-auto', bar().dataset.explicit === undefined)
    history.replaceState(null, '', address)
    card.dispatchEvent(new Event('cal-shown'))
    draw(card)
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus()
  } catch (fault) {
    if ((fault as Error).name !== 'AbortError') location.assign(address)
  }
}

// draw shows what the bar says: a drawn view, or the list. Jobs that are there already are asked for anew only if they may be others.
let drawnOf: string | undefined

function draw(card: HTMLElement, anew = true): void {
  const { view = '', date = '', now = '' } = bar().dataset
  const type = views[view]
  const phone = matchMedia('(max-width: 48rem)').matches && (card.classList.contains('cal-auto') || view === 'week') // seven columns leave no room for words
  card.classList.toggle('cal-listed', !type || phone)
  hideMenu()
  hideNote()
  if (!type || phone) return
  const drawn = document.getElementById('cal-drawn') as HTMLElement
  drawn.dataset.drawn = view
  const others = drawnOf !== bar().dataset.events
  drawnOf = bar().dataset.events
  if (calendar) {
    calendar.setOption('now', now)
    calendar.changeView(type, date)
    if (anew || others) calendar.refetchEvents()
    return
  }
  calendar = new Calendar(drawn, {
    plugins: [classic, dayGrid, timeGrid],
    timeZone: 'UTC', // local times are taken as they are written
    initialView: type, initialDate: date, now,
    headerToolbar: false, height: 'auto', firstDay: 1, allDaySlot: false, nowIndicator: true,
    slotMinTime: '00:00', scrollTime: '07:00', eventDisplay: 'block', dayMaxEvents: 5, slotEventOverlap: false, eventInteractive: true, displayEventEnd: false,
    eventTimeFormat: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    slotHeaderFormat: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    locale: document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang, // the week and the day as they are written here
    events: (span, done, failed) => { void load(span.startStr.slice(0, 10), span.endStr.slice(0, 10)).then(done, failed) },
    eventContent: (info) => ({ domNodes: content(info.event.extendedProps as Job, info.timeText) }),
    dayHeaderDidMount: (info) => named(info.el), dayCellDidMount: (info) => named(info.el), viewDidMount: (info) => { for (const head of info.el.querySelectorAll('[role=rowheader]')) named(head) },
    eventDidMount: (info) => mounted(info.el, info.event.extendedProps as Job),
    eventClick: (info) => {
      if (info.jsEvent.ctrlKey || info.jsEvent.metaKey || info.jsEvent.shiftKey) return
      info.jsEvent.preventDefault()
      showMenu(info.el, (info.event.extendedProps as Job).ref)
    },
  })
  calendar.render()
}

// named says the name of a day within its cell, where it is read with the jobs of the day; as a label it would stand for them.
function named(cell: Element): void {
  const label = cell.getAttribute('aria-label')
  if (!label) return
  const said = document.createElement('span')
  said.className = 'visually-hidden'
  said.textContent = label
  const shown = cell.querySelector('[aria-hidden=true]')
  if (shown) shown.after(said)
  else cell.append(said)
  cell.removeAttribute('aria-label')
}

// What is asked for takes a moment, or fails: both are said where the jobs would be.
let asked = 0

// load asks once for what is asked for twice, as when another month is shown.
let under: { address: string; items: Promise<EventInput[]> } | undefined

function load(from: string, to: string): Promise<EventInput[]> {
  const address = `${bar().dataset.events}&from=${from}&to=${to}`
  if (under?.address === address) return under.items
  const items = read(address).finally(() => { if (under?.items === items) under = undefined })
  under = { address, items }
  return items
}

async function read(address: string): Promise<EventInput[]> {
  const turn = ++asked
  const [loading, failed, cutShort] = ['cal-loading', 'cal-failed', 'cal-cut'].map((id) => document.getElementById(id) as HTMLElement)
  failed.hidden = true
  const slow = window.setTimeout(() => { if (turn === asked) loading.textContent = loading.dataset.loading ?? '' }, 300)
  let items: Job[] = []
  try {
    const answer = await fetch(address)
    if (!answer.ok || answer.redirected) throw new Error('the calendar could not be read')
    const found = await answer.json() as { items: Job[]; cut: boolean }
    items = found.items
    cutShort.hidden = !found.cut
  } catch {
    if (turn === asked) failed.hidden = false
  } finally {
    clearTimeout(slow)
    if (turn === asked) loading.textContent = ''
  }
  return items.map((job) => ({ id: job.ref, title: job.language, start: job.start, end: job.end, url: `/jobs/${job.ref}`, className: `cal-event cal-${job.status}${Date.parse(job.end) - Date.parse(job.start) < 3_600_000 ? ' cal-short' : ''}`,
    color: `var(--cal-${job.status})`, contrastColor: 'var(--tblr-body-color)', extendedProps: job }))
}

// content is what stands in a drawn job: its status as a sign, its time, what it is, and the rest in words for who cannot see it.
function content(job: Job, time: string): Node[] {
  const text = (className: string, said: string) => {
    const span = document.createElement('span')
    span.className = className
    span.textContent = said
    return span
  }
  const sign = text('cal-sign', signs[job.status] ?? '')
  sign.setAttribute('aria-hidden', 'true')
  const box = text('cal-content', '')
  const icon = document.querySelector(`#cal-icons [data-service="${CSS.escape(job.service)}"] svg`)?.cloneNode(true)
  box.append(sign, text('cal-time', ` ${time} `), ...icon ? [icon] : [], text('cal-name', ` ${job.language}`), text('visually-hidden', `, ${job.kind}, ${job.ref}, ${job.statusText}`))
  if (job.own) box.append(text('cal-own', ` (${job.own})`))
  return [box]
}

// The note about a job, shown while one points at it or has the focus on it (II-15). Escape takes it away; one may move onto it.
let note: HTMLElement | undefined
let noteTimer = 0

function mounted(el: HTMLElement, job: Job): void {
  el.addEventListener('mouseenter', () => showNote(el, job))
  el.addEventListener('focus', () => showNote(el, job))
  el.addEventListener('mouseleave', () => { noteTimer = window.setTimeout(hideNote, 150) })
  el.addEventListener('blur', hideNote)
}

function showNote(el: HTMLElement, job: Job): void {
  clearTimeout(noteTimer)
  hideNote()
  if (menu) return
  note = document.createElement('div')
  note.id = 'cal-note'
  note.className = 'cal-note card card-body p-2'
  note.setAttribute('role', 'tooltip')
  const list = document.createElement('dl')
  const add = (name: string, value?: string) => {
    if (!value) return
    const dt = document.createElement('dt')
    const dd = document.createElement('dd')
    dt.textContent = name
    dd.textContent = value
    list.append(dt, dd)
  }
  add(word('language'), job.language)
  add(word('service'), job.kind)
  add(word('when'), job.when)
  add(word('own'), job.own)
  add(word('status'), job.statusText)
  add(word('created'), job.createdBy)
  const head = document.createElement('strong')
  head.textContent = job.ref
  note.append(head, list)
  note.addEventListener('mouseenter', () => clearTimeout(noteTimer))
  note.addEventListener('mouseleave', hideNote)
  document.getElementById('content')?.append(note)
  el.setAttribute('aria-describedby', note.id)
  place(note, el)
}

function hideNote(): void {
  clearTimeout(noteTimer)
  note?.remove()
  note = undefined
  document.querySelector('[aria-describedby="cal-note"]')?.removeAttribute('aria-describedby')
}

// The menu of a job's actions, opened by a click or Enter (II-16).
let menu: HTMLElement | undefined
let opener: HTMLElement | undefined

function showMenu(el: HTMLElement, ref: string): void {
  hideNote()
  hideMenu()
  opener = el
  const list = document.createElement('div')
  list.className = 'dropdown-menu show cal-menu'
  list.setAttribute('role', 'group')
  list.setAttribute('aria-label', `${word('actions')} ${ref}`)
  const open = document.createElement('a')
  open.className = 'dropdown-item'
  open.href = `/jobs/${ref}`
  open.textContent = ref
  list.append(open)
  menu = list
  document.getElementById('content')?.append(list)
  place(list, el)
  void fill(list, `/jobs/${ref}/actions`).then(() => {
    if (menu !== list) return
    place(list, el)
    list.querySelector<HTMLElement>('a, button')?.focus()
  })
}

function hideMenu(): void {
  if (!menu) return
  const back = menu.contains(document.activeElement)
  menu.remove()
  menu = undefined
  if (back) opener?.focus()
}

document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape') { hideNote(); hideMenu() }
})
document.addEventListener('click', (e) => {
  if (menu && !menu.contains(e.target as Node) && !opener?.contains(e.target as Node)) hideMenu()
})
document.addEventListener('focusin', (e) => {
  if (menu && !menu.contains(e.target as Node) && !opener?.contains(e.target as Node)) hideMenu()
})
addEventListener('scroll', () => { hideNote(); hideMenu() }, { passive: true })

// place puts a box beside an element, inside the window.
function place(box: HTMLElement, el: HTMLElement): void {
  const at = el.getBoundingClientRect()
  const size = box.getBoundingClientRect()
  const below = at.bottom + size.height + 4 <= innerHeight || at.top < size.height
  box.style.top = `${below ? at.bottom + 2 : at.top - size.height - 2}px`
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`
}
