// Menus of a job's actions: filled when they are opened.

// rowMenus fills a row's menu when it is opened, and lifts it out of the table, which would cut it off.
export function rowMenus(part: HTMLElement): void {
  part.addEventListener('toggle', (e) => {
    const menu = e.target as HTMLDetailsElement
    const list = menu.querySelector<HTMLElement>('.dropdown-menu')
    if (!menu.matches('.row-menu') || !list) return
    if (!menu.open) { list.classList.remove('lifted'); return }
    for (const other of part.querySelectorAll<HTMLDetailsElement>('.row-menu[open]')) if (other !== menu) other.open = false
    lift(menu, list)
    if (menu.dataset.filled || !menu.dataset.actions) return
    void fill(list, menu.dataset.actions).then((filled) => {
      if (!filled) return // the link to the page of actions stays
      menu.dataset.filled = 'yes'
      lift(menu, list)
    })
  }, true)
  const close = () => { for (const menu of part.querySelectorAll<HTMLDetailsElement>('.row-menu[open]')) menu.open = false }
  addEventListener('scroll', close, { passive: true })
  addEventListener('resize', close)
}

function lift(menu: HTMLElement, list: HTMLElement): void {
  list.classList.add('lifted')
  list.style.left = '0' // at its full width, whatever is right of where it was
  const at = menu.getBoundingClientRect()
  const size = list.getBoundingClientRect()
  const below = at.bottom + size.height <= innerHeight || at.top < size.height
  list.style.top = `${below ? at.bottom : at.top - size.height}px`
  list.style.left = `${Math.max(8, at.right - size.width)}px`
}

// fill puts what may be done with a job into a list, and tells whether it could.
export async function fill(list: HTMLElement, address: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}?part=menu`)
    if (!answer.ok || answer.redirected) return false
    list.innerHTML = await answer.text()
    return true
  } catch {
    return false
  }
}
