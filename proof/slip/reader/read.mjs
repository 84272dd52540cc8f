// Reads the bytes that a receipt printer was sent with npos, a reader of ESC/POS
// that others wrote, and writes the paper as a binary PBM (P4) to standard output.
//
//   node read.mjs FILE WIDTH
//
// npos finds the commands and turns each raster picture (GS v 0) into dots; what is
// done here is only to put pictures and feeds (ESC J n, n rows) under each other.
// Rows of a picture that is narrower than the paper are white on the right.
// The last line of standard error counts what was read: commands, pictures, rows.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const npos = createRequire(import.meta.url)('npos')

const [file, width] = [process.argv[2], Number(process.argv[3])]
const raw = readFileSync(file)
const { tree, error } = npos.parser().analyze(raw)
if (error) throw error

const stride = Math.ceil(width / 8)
const rows = []
const count = { commands: tree.length, pictures: 0, feeds: 0, cuts: 0 }
for (const node of tree) {
  switch (`${node.ascii} ${node.fn}`) {
    case 'GS v0': {
      const image = npos.codecs.raster.decode(raw, [{ offset: node.offset }])
      if (image.width > stride * 8) throw new Error(`a picture of ${image.width} dots on paper of ${width}`)
      for (let y = 0; y < image.height; y++) {
        const row = Buffer.alloc(stride)
        for (let x = 0; x < image.width; x++) if (image.getPixel(x, y) === 0) row[x >> 3] |= 0x80 >> (x & 7)
        rows.push(row)
      }
      count.pictures++
      break
    }
    case 'ESC J':
      for (let n = raw[node.offset + 2]; n > 0; n--) rows.push(Buffer.alloc(stride))
      count.feeds++
      break
    case 'GS V':
      count.cuts++
      break
    default:
      if (node.fn === '') throw new Error(`text among the commands at byte ${node.offset}`)
  }
}
process.stdout.write(`P4\n${width} ${rows.length}\n`)
process.stdout.write(Buffer.concat(rows))
console.error(JSON.stringify({ ...count, rows: rows.length }))
