// What every page needs: htmx, menus that close, rows that open, themes. Pages work without it.
import htmx from 'htmx.org'
import './job'

htmx.config.includeIndicatorStyles = false // the policy allows no inline style
htmx.config.allowEval = false
htmx.config.selfRequestsOnly = true

declare global { interface Window { htmx: typeof htmx } }
window.htmx = htmx

// A menu closes when one clicks elsewhere or presses Escape, and gives the focus back.
document.addEventListener('click', (e) => {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>('details.menu[open]')) {
    if (!menu.contains(e.target as Node)) menu.open = false
  }
})
document.addEventListener('keydown', (e) => {
  if (e.key !== 'Escape') return
  const open = document.querySelector<HTMLDetailsElement>('details.menu[open]')
  if (open) { open.open = false; open.querySelector('summary')?.focus() }
})

// A row of a job table opens the job, clicked or by Enter; its link does the same without script.
document.addEventListener('click', (e) => {
  const target = e.target as HTMLElement
  if (target.closest('a, button, input, select, summary, label, details') || getSelection()?.toString()) return
  const row = target.closest<HTMLElement>('tr[data-href]')
  if (row?.dataset.href) location.assign(row.dataset.href)
})
document.addEventListener('keydown', (e) => {
  const row = e.target as HTMLElement
  if (e.key === 'Enter' && row.matches('tr[data-href]') && row.dataset.href) location.assign(row.dataset.href)
})

// A part of a page with a bundle of its own gets it once the page is painted.
const painted = new Promise<void>((done) => {
  if (!PerformanceObserver.supportedEntryTypes.includes('paint')) { requestAnimationFrame(() => setTimeout(done)); return }
  new PerformanceObserver((_, watch) => { watch.disconnect(); done() }).observe({ type: 'paint', buffered: true })
})
for (const part of document.querySelectorAll<HTMLElement>('[data-bundle]')) {
  void painted.then(() => {
    import(part.dataset.bundle ?? '').then((bundle) => { bundle.start(part); part.dataset.started = 'yes' }).catch(() => part.classList.add('without-script'))
  })
}

// A form that was refused names the input of each fault, and says so to whoever does not see the page: what is wrong gets the focus.
for (const link of document.querySelectorAll<HTMLAnchorElement>('#refusal li a[href^="#"]')) {
  const at = link.hash.slice(1)
  const label = document.querySelector(`label[for="${CSS.escape(at)}"], #${CSS.escape(at)} > legend`)?.textContent.trim()
  if (label && !link.textContent.startsWith(`${label}: `)) link.prepend(`${label}: `)
}
document.getElementById('refusal')?.focus()

// What was done is said: a live region tells what comes into it, not what it came with. It stays until it is closed, or the next page.
const toast = document.querySelector<HTMLElement>('#toasts .toast')
if (toast) {
  const close = document.createElement('button')
  close.type = 'button'
  close.className = 'btn-close'
  close.setAttribute('aria-label', toast.dataset.close ?? '')
  close.addEventListener('click', () => { toast.remove() })
  toast.classList.add('d-flex', 'align-items-center')
  toast.append(close)
  const region = toast.parentElement
  toast.remove()
  requestAnimationFrame(() => region?.append(toast))
}

// A form is sent once: a second press while it is under way does nothing.
document.addEventListener('submit', (e) => {
  const form = e.target as HTMLFormElement
  if (form.method.toLowerCase() !== 'post') return
  if (form.dataset.sent) { e.preventDefault(); return }
  form.dataset.sent = 'yes'
})
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll<HTMLFormElement>('form[data-sent]')) delete form.dataset.sent
})
