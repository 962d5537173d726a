// The tabular view answers while one types: the same form, asked again, and the parts of the page that depend on it exchanged. Without this
// script the form is sent by its button.

import { rowMenus } from './menus'

let asking: AbortController | undefined
let timer = 0

export function start(card: HTMLElement): void {
  rowMenus(card)
  const form = document.querySelector<HTMLFormElement>('#grid')
  if (!form) return
  const soon = (wait: number, submitter?: HTMLElement) => {
    clearTimeout(timer)
    timer = window.setTimeout(() => void ask(form, card, submitter), wait)
  }
  card.addEventListener('input', (e) => {
    const input = e.target as HTMLInputElement
    if (input.form === form) soon(input.matches('select, [type=date]') ? 0 : 300)
  })
  form.addEventListener('submit', (e) => {
    e.preventDefault()
    soon(0, e.submitter ?? undefined)
  })
}

async function ask(form: HTMLFormElement, card: HTMLElement, submitter?: HTMLElement): Promise<void> {
  asking?.abort()
  asking = new AbortController()
  const query = new URLSearchParams()
  const sortsBy = submitter instanceof HTMLButtonElement && submitter.name === 'sort' ? submitter.value : undefined
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && value !== '') query.set(name, value)
  }
  if (sortsBy !== undefined) query.set('sort', sortsBy)
  const address = `${form.getAttribute('action')}?${query}`
  card.setAttribute('aria-busy', 'true')
  try {
    const answer = await fetch(address, { signal: asking.signal, headers: { Accept: 'text/html' } })
    if (!answer.ok || answer.redirected) { location.assign(address); return }
    show(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    history.replaceState(null, '', address)
    card.removeAttribute('aria-busy')
  } catch (fault) {
    if ((fault as Error).name === 'AbortError') return // a later question is under way
    location.assign(address)
  }
}

// show takes over what depends on the question. What one types into stays as it is; the count is said by its live region, so that stays too.
function show(page: Document): void {
  const focused = document.activeElement?.id
  for (const id of ['grid-heads', 'grid-rows']) {
    const fresh = page.getElementById(id)
    if (fresh) document.getElementById(id)?.replaceWith(document.adoptNode(fresh))
  }
  const count = page.querySelector('#grid-pager [role=status]')
  const said = document.querySelector('#grid-pager [role=status]')
  if (count && said && said.textContent !== count.textContent) said.textContent = count.textContent
  document.querySelector('#grid-pager nav')?.remove()
  const pages = page.querySelector('#grid-pager nav')
  if (pages) said?.after(document.adoptNode(pages))
  for (const fresh of page.querySelectorAll<HTMLElement>('[data-follows]')) {
    const old = document.querySelector<HTMLElement>(`[data-follows="${fresh.dataset.follows}"]`)
    if (old instanceof HTMLInputElement && fresh instanceof HTMLInputElement) old.value = fresh.value
    if (old instanceof HTMLAnchorElement && fresh instanceof HTMLAnchorElement) old.href = fresh.getAttribute('href') ?? old.href
  }
  const locations = page.querySelector('#location')
  if (locations) document.getElementById('location')?.replaceWith(document.adoptNode(locations))
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus()
}
