// A small websocket server for one page (RFC 6455): text messages, whole or in
// fragments, close. Enough for the stage; the daemon's own is gorilla's.

import { createHash } from 'node:crypto'

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11' // RFC 6455, section 1.3

const op = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 }

function frame(code, data) {
  const n = data.length
  const head = n < 126 ? Buffer.from([0x80 | code, n]) : Buffer.alloc(n < 65536 ? 4 : 10)
  if (n >= 126) {
    head[0] = 0x80 | code
    head[1] = n < 65536 ? 126 : 127
    if (n < 65536) head.writeUInt16BE(n, 2)
    else head.writeBigUInt64BE(BigInt(n), 2)
  }
  return Buffer.concat([head, data])
}

/**
 * Accepts an upgrade; on.message gets each text, on.close the end. The connection
 * counts the texts of both ways.
 */
export function accept(request, socket, on) {
  const key = createHash('sha1').update(request.headers['sec-websocket-key'] + guid).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`)
  let buffer = Buffer.alloc(0)
  let parts = []
  const close = () => socket.destroy()
  const me = {
    received: 0,
    sent: 0,
    send(text) {
      if (socket.destroyed) return
      me.sent++
      socket.write(frame(op.text, Buffer.from(text)))
    },
    close,
  }
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk])
    for (;;) {
      if (buffer.length < 2) return
      const short = buffer[1] & 0x7f
      const at = short < 126 ? 2 : short === 126 ? 4 : 10
      if (buffer.length < at + 4) return
      const n = short < 126 ? short : short === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2))
      if (buffer.length < at + 4 + n) return
      const mask = buffer.subarray(at, at + 4)
      const data = Buffer.from(buffer.subarray(at + 4, at + 4 + n))
      for (let i = 0; i < n; i++) data[i] ^= mask[i & 3]
      const [final, code] = [buffer[0] & 0x80, buffer[0] & 0x0f]
      buffer = buffer.subarray(at + 4 + n)
      if (code === op.close) return close()
      if (code === op.ping) socket.write(frame(op.pong, data))
      if (code === op.text || code === op.continuation) {
        parts.push(data)
        if (final) {
          me.received++
          on.message(Buffer.concat(parts).toString())
          parts = []
        }
      }
    }
  })
  socket.on('error', close)
  socket.on('close', () => on.close())
  return me
}
