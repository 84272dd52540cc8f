// Every string in the memory of a page: from a heap snapshot of the browser's own
// debugger. A string that V8 keeps as two parts (a rope) is put together again, and
// numbers are read too.

/** The strings of a page's JavaScript memory after collection. */
export async function stringsOf(page) {
  const cdp = await page.context().newCDPSession(page)
  const chunks = []
  cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk))
  await cdp.send('HeapProfiler.enable')
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false, captureNumericValue: true })
  await cdp.detach()
  return read(JSON.parse(chunks.join('')))
}

const deepest = 200 // parts of a rope within parts

function read({ snapshot: { meta }, nodes, edges, strings }) {
  const width = meta.node_fields.length
  const edgeWidth = meta.edge_fields.length
  const [type, name, edgeCount] = ['type', 'name', 'edge_count'].map((f) => meta.node_fields.indexOf(f))
  const [edgeName, to] = ['name_or_index', 'to_node'].map((f) => meta.edge_fields.indexOf(f))
  const rope = meta.node_types[type].indexOf('concatenated string')

  // Edges follow in the order of their nodes.
  const firstEdge = new Map()
  for (let n = 0, e = 0; n < nodes.length; n += width) {
    firstEdge.set(n, e)
    e += nodes[n + edgeCount] * edgeWidth
  }
  const part = (n, which) => {
    const start = firstEdge.get(n)
    for (let e = start; e < start + nodes[n + edgeCount] * edgeWidth; e += edgeWidth) {
      if (strings[edges[e + edgeName]] === which) return edges[e + to]
    }
    return -1
  }
  const whole = (n, depth = 0) => {
    if (n < 0 || depth > deepest) return ''
    if (nodes[n + type] !== rope) return strings[nodes[n + name]]
    return whole(part(n, 'first'), depth + 1) + whole(part(n, 'second'), depth + 1)
  }

  const out = new Set(strings)
  for (let n = 0; n < nodes.length; n += width) if (nodes[n + type] === rope) out.add(whole(n))
  return out
}
