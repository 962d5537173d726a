// Bundles the portal's scripts and styles into dist/, names them after their content and writes manifest.json: name → file.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync, readdirSync, rmSync, mkdirSync } from 'node:fs'

mkdirSync('dist', { recursive: true })
for (const file of readdirSync('dist')) if (file !== 'README.md') rmSync(`dist/${file}`)

const result = await build({
  entryPoints: { app: 'src/app.ts', calendar: 'src/calendar.ts', form: 'src/form.ts', grid: 'src/grid.ts', style: 'src/style.css', theme: 'src/theme.ts', fields: 'src/fields.css' },
  bundle: true, minify: true, write: false, outdir: 'dist', format: 'esm', target: ['es2022', 'chrome110', 'firefox115', 'safari16'],
  loader: { '.woff2': 'file', '.svg': 'dataurl' }, legalComments: 'linked', logLevel: 'warning',
})
const manifest = {}
for (const out of result.outputFiles) {
  const name = out.path.split('/').pop()
  if (name.endsWith('LEGAL.txt')) { writeFileSync(`dist/${name}`, out.contents); continue }
  const hash = createHash('sha256').update(out.contents).digest('hex').slice(0, 10)
  const file = name.replace(/\.(js|css)$/, `.${hash}.$1`)
  writeFileSync(`dist/${file}`, out.contents)
  manifest[name] = file
}
writeFileSync('dist/manifest.json', JSON.stringify(manifest, null, 1) + '\n')
