// What booking forms gain by script: lists that one searches by typing, times printed day before month, help that Escape closes. Without it the
// forms work as the browser has them.
import TomSelect from 'tom-select/dist/esm/tom-select.js'

export function start(part: HTMLElement): void {
  // A long list is searched by typing; where a finger chooses, the device's own list is better.
  if (!matchMedia('(pointer: coarse)').matches) {
    for (const select of part.querySelectorAll<HTMLSelectElement>('select[data-choose]')) if (select.options.length > 11) search(select)
  }
  for (const echo of part.querySelectorAll<HTMLOutputElement>('output[data-echo]')) print(echo)
  for (const input of part.querySelectorAll<Input>('[data-when]')) requireWhen(part, input)
  follow(part)
}

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

// A field that is required while another one holds something is marked so as that one is filled in.
function requireWhen(part: HTMLElement, input: Input): void {
  const rules = JSON.parse(input.dataset.when ?? '[]') as { name: string, is?: string[] }[]
  const label = part.querySelector(`label[for="${CSS.escape(input.id)}"]`)
  const names = new Set(rules.map((rule) => rule.name))
  const inputs = (name: string): Input[] => [...part.querySelectorAll<Input>(`[name="${CSS.escape(name)}"], [name^="${CSS.escape(name)}."]`)]
  const valuesOf = (of: Input): string[] => of instanceof HTMLSelectElement ? [...of.selectedOptions].map((o) => o.value) : [of.value.trim()]
  const mark = (): void => {
    const required = rules.some((rule) => {
      const values = inputs(rule.name).flatMap(valuesOf).filter((value) => value && value.toLowerCase() !== 'n/a')
      return rule.is ? values.some((value) => rule.is?.includes(value)) : values.length > 0
    })
    label?.classList.toggle('required', required)
    input.required = required
  }
  part.addEventListener('input', (e) => { if (names.has((e.target as Input).name)) mark() })
  part.addEventListener('change', (e) => { if (names.has((e.target as Input).name)) mark() })
}

function search(select: HTMLSelectElement): void {
  const first = select.options[0]
  const list = new TomSelect(select, {
    maxOptions: null, hidePlaceholder: true, refreshThrottle: 0, placeholder: select.dataset.choose || (first?.value === '' ? first.text : ''),
    onItemAdd: () => { if (select.multiple) list.setTextboxValue('') },
  })
  const said = { 'aria-describedby': select.getAttribute('aria-describedby'), 'aria-invalid': select.getAttribute('aria-invalid'),
    'aria-required': select.required ? 'true' : null }
  for (const [name, value] of Object.entries(said)) if (value) list.control_input.setAttribute(name, value)
  select.setAttribute('aria-hidden', 'true') // the list has its label now
}

// A link within the page gives the focus to what it leads to, also where a searched list stands in its place.
document.addEventListener('click', (e) => {
  const link = (e.target as HTMLElement).closest<HTMLAnchorElement>('a[href^="#"]')
  const target = link && document.getElementById(link.hash.slice(1)) as (HTMLElement & { tomselect?: TomSelect }) | null
  if (!target) return
  const input = target.tomselect ? target.tomselect.control_input : target
  if (!input.matches('input, select, textarea, [tabindex]')) return
  e.preventDefault()
  input.scrollIntoView({ block: input.matches('h2') ? 'start' : 'center' })
  input.focus({ preventScroll: true })
})

// A time reads day before month, whatever the browser's own way.
const weekday = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: 'long', timeZone: 'UTC' })

function print(echo: HTMLOutputElement): void {
  const input = document.getElementById(echo.htmlFor.value) as HTMLInputElement | null
  input?.addEventListener('input', () => {
    const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(input.value)
    if (!parts) { echo.value = ''; return }
    const [, year, month, day, time] = parts
    echo.value = `${weekday.format(Date.UTC(+year, +month - 1, +day))} ${day}/${month}/${year} ${time}`
  })
}

// Escape closes help without moving pointer or focus; it shows again next time.
document.addEventListener('keydown', (e) => {
  if (e.key !== 'Escape') return
  for (const help of document.querySelectorAll<HTMLElement>('.help:hover, .help:focus-within')) {
    help.classList.add('dismissed')
    for (const gone of ['mouseleave', 'focusout']) help.addEventListener(gone, () => help.classList.remove('dismissed'), { once: true })
  }
})

// The side list tells in which section one is.
function follow(part: HTMLElement): void {
  const links = new Map<Element, HTMLAnchorElement>()
  for (const link of part.querySelectorAll<HTMLAnchorElement>('.entry-nav a[href^="#"]')) {
    const section = document.getElementById(link.hash.slice(1))?.closest('section')
    if (section) links.set(section, link)
  }
  const seen = new IntersectionObserver((changes) => {
    for (const change of changes) {
      if (!change.isIntersecting) continue
      for (const [section, link] of links) {
        if (section === change.target) link.setAttribute('aria-current', 'true')
        else link.removeAttribute('aria-current')
      }
    }
  }, { rootMargin: '-30% 0px -65% 0px' })
  for (const section of links.keys()) seen.observe(section)
}
