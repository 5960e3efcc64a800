// A tap forwards requests as they came and remembers them. It stands where the
// user believes the application to be, with and without a node behind it.
import http from 'node:http'
import net from 'node:net'

const maxBody = 8 << 20 // bytes of a body that are remembered

export class Tap {
  requests = [] // { method, target, headers: [[name, value]], body, status }

  static async listen(port, upstream) {
    const tap = new Tap()
    tap.upstream = upstream
    tap.server = http.createServer((req, res) => tap.#forward(req, res))
    tap.server.on('upgrade', (req, socket, head) => tap.#relay(req, socket, head))
    tap.server.requestTimeout = 0
    await new Promise((resolve, reject) => tap.server.listen(port, '127.0.0.1', resolve).once('error', reject))
    return tap
  }

  async close() {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  #note(req) {
    const headers = []
    for (let i = 0; i < req.rawHeaders.length; i += 2) headers.push(req.rawHeaders.slice(i, i + 2))
    const noted = { method: req.method, target: req.url, headers, body: [], status: 0 }
    this.requests.push(noted)
    return noted
  }

  #forward(req, res) {
    const noted = this.#note(req)
    let size = 0
    req.on('data', (chunk) => { if ((size += chunk.length) <= maxBody) noted.body.push(chunk) })
    const onward = http.request({
      host: '127.0.0.1', port: this.upstream, method: req.method, path: req.url,
      headers: req.rawHeaders, setHost: false, agent: false,
    })
    onward.on('response', (back) => {
      noted.status = back.statusCode
      noted.inspected = 'x-gabion-request-id' in back.headers
      res.writeHead(back.statusCode, back.statusMessage, back.rawHeaders)
      back.pipe(res)
      back.on('error', () => res.destroy())
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  }

  #relay(req, socket, head) {
    const noted = this.#note(req)
    const onward = net.connect(this.upstream, '127.0.0.1', () => {
      let start = `${req.method} ${req.url} HTTP/1.1\r\n`
      for (const [name, value] of noted.headers) start += `${name}: ${value}\r\n`
      onward.write(start + '\r\n')
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    onward.once('data', (first) => { noted.status = Number(first.toString('latin1').split(' ')[1]) })
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy())
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy())
  }
}
