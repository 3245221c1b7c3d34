// What a scenario is played with: sockets of one client version, and ways to wait for what they hear.
import assert from "node:assert/strict"

const STEP = 5 // ms between two looks at what is waited for

export class Stage {
  constructor(phoenix, WebSocket, url, scenario){
    this.phoenix = phoenix
    this.WebSocket = WebSocket
    this.url = url
    this.room = `room:${scenario.replace(/\W/g, "-")}`
    this.crowd = `crowd:${scenario.replace(/\W/g, "-")}`
    this.sockets = []
    this.waitingFor = "nothing"
  }

  // A socket that tells what happened to it: opens, and the codes it was closed with.
  socket(path = "/socket", options = {}){
    const socket = new this.phoenix.Socket(this.url + path, {
      transport: this.WebSocket,
      timeout: 5000,
      heartbeatIntervalMs: 30_000,
      reconnectAfterMs: () => 30,
      rejoinAfterMs: () => 30,
      ...options,
    })
    socket.seen = {opens: 0, codes: [], errors: 0}
    socket.onOpen(() => socket.seen.opens++)
    socket.onClose((event) => socket.seen.codes.push(event?.code))
    socket.onError(() => socket.seen.errors++)
    socket.connect()
    this.sockets.push(socket)
    return socket
  }

  async until(what, holds){
    this.waitingFor = what
    while(!holds()){ await new Promise((resolve) => setTimeout(resolve, STEP)) }
    this.waitingFor = "nothing"
  }

  // The outcome of a push: [status, response].
  async outcome(push){
    let found
    for(const status of ["ok", "error", "timeout"]){
      push.receive(status, (response) => { found ??= [status, response] })
    }
    await this.until("a reply", () => found)
    return found
  }

  // A channel that is joined, with what it hears.
  async joined(socket, topic = this.room, params = {}){
    const channel = socket.channel(topic, params)
    channel.heard = []
    channel.ends = []
    for(const event of ["said", "poked"]){
      channel.on(event, (payload) => channel.heard.push([event, payload]))
    }
    channel.onClose(() => channel.ends.push("close"))
    channel.onError(() => channel.ends.push("error"))
    channel.joins = 0
    const join = channel.join()
    join.receive("ok", () => channel.joins++)
    assert.equal((await this.outcome(join))[0], "ok")
    return channel
  }

  async ask(channel, event, payload = {}){
    return this.outcome(channel.push(event, payload))
  }

  // Whether all that was said to a channel before has been heard: a reply comes behind it.
  async settled(...channels){
    for(const channel of channels){ await this.ask(channel, "echo") }
  }

  close(){
    for(const socket of this.sockets){ socket.disconnect() }
  }
}
