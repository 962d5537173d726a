// Comfort on a job's pages. Each of them works without it.

// The slider through a job's moments says where it stands while it moves, and goes there when it is let go.
for (const form of document.querySelectorAll<HTMLFormElement>('form[data-moments]')) {
  const slider = form.querySelector<HTMLInputElement>('input[type=range]')
  const said = form.querySelector('output')
  const moments = form.parentElement?.querySelectorAll('[data-moment-list] a')
  slider?.addEventListener('input', () => {
    if (said) said.textContent = moments?.[Number(slider.value)]?.textContent ?? ''
  })
  slider?.addEventListener('change', () => form.requestSubmit())
}

// A countdown is counted by the server: it is asked anew now and then, while somebody looks.
if (document.querySelector('[hx-trigger^="count"]')) {
  const count = () => {
    const left = document.querySelector('[hx-trigger^="count"]')
    if (left && document.visibilityState === 'visible') window.htmx.trigger(left, 'count', {})
  }
  setInterval(count, 10_000)
  document.addEventListener('visibilitychange', count)
}

// A grid of hours grows on the page, so that nothing is sent for that. Ids of new rows follow those before them.
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-add-rows]')) {
  button.addEventListener('click', (e) => {
    const body = button.closest('form')?.querySelector('[data-grid-rows]')
    const last = body?.lastElementChild
    if (!body || !last) return
    e.preventDefault()
    let first = [...body.querySelectorAll<HTMLElement>('.spare')].find((row) => !row.checkVisibility()) ?? null // on a phone the next one shows
    if (first) {
      first.classList.remove('spare')
      first.querySelector<HTMLInputElement>('input')?.focus()
      return
    }
    for (let n = 0; n < Number(button.dataset.addRows); n++) {
      const row = (body.lastElementChild as HTMLElement).cloneNode(true) as HTMLElement
      for (const fault of row.querySelectorAll('.invalid-feedback')) fault.remove()
      for (const input of row.querySelectorAll<HTMLInputElement>('input')) {
        input.value = ''
        input.classList.remove('is-invalid')
        input.removeAttribute('aria-invalid')
        input.id = input.id.replace(/\d+/, (i) => String(Number(i) + 1))
      }
      row.classList.toggle('spare', first !== null)
      body.append(row)
      first ??= row
    }
    first?.querySelector<HTMLInputElement>('input')?.focus()
  })
}

// The list of interpreters narrows while a name or LIN is typed; pressing Find asks the server, which knows those not in the list.
for (const form of document.querySelectorAll<HTMLFormElement>('form[data-choose]')) {
  const typed = form.querySelector<HTMLInputElement>('[data-narrow]')
  typed?.addEventListener('input', () => {
    const words = typed.value.toLowerCase()
    for (const item of form.querySelectorAll<HTMLElement>('[data-words]')) {
      const chosen = item.querySelector<HTMLInputElement>('input:checked')
      item.hidden = !chosen && !item.dataset.words!.toLowerCase().includes(words)
    }
  })
  typed?.addEventListener('keydown', (e) => { // Enter finds, it does not send
    if (e.key === 'Enter') { e.preventDefault(); form.querySelector<HTMLButtonElement>('button[formmethod=get]')?.click() }
  })
}
