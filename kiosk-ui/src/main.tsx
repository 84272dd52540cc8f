// The page of the terminal. It draws the state that the daemon sends and sends back
// what was touched; it holds no truth and may be reloaded at any moment.

import './style/index.css'
import { render } from 'preact'
import { startLink, touched } from './app'
import { load, loadAll } from './i18n'
import { takeToken } from './link/token'
import { startKeys } from './nav'
import { Root } from './root'

const token = takeToken(location, history)
const asset = document.querySelector('meta[name="asset"]')?.getAttribute('content') ?? ''

// Nothing of the browser's own shows: no menu, no selection, no dragging.
for (const name of ['contextmenu', 'dragstart', 'selectstart']) addEventListener(name, (e) => e.preventDefault())
addEventListener('pointerdown', touched, { capture: true })

startKeys()
render(<Root />, document.getElementById('root')!)
startLink(token, asset)

// The texts of every language and the fonts of every script, while there is time.
void load('az')
  .catch(() => undefined)
  .then(loadAll)
  .then(() => Promise.all(['Əə₼', 'Жж', 'ءپ'].flatMap((s) => [document.fonts.load('400 40px "Noto"', s), document.fonts.load('700 40px "Noto"', s)])))
  .catch(() => undefined)
