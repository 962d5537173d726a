// Light or dark: as the system has it, unless the user chose. It runs before the page is painted, so that nothing flashes.
{
  const chosen = document.documentElement.dataset.theme
  if (!chosen) {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const paint = () => { document.documentElement.setAttribute('data-bs-theme', dark.matches ? 'dark' : 'light') }
    dark.addEventListener('change', paint)
    paint()
  }
}
export {}
