// What clients and gateway must do together. A scenario returns a reason if the client version has no such thing.
import assert from "node:assert/strict"
import { Crowd } from "./crowd.mjs"

const bytes = (...values) => new Uint8Array(values).buffer
const listed = (buffer) => [...new Uint8Array(buffer)]
const speaksBinary = (stage) => stage.phoenix.Serializer?.binaryEncode !== undefined

export const scenarios = {
  "join": async (stage) => {
    const socket = stage.socket()
    const channel = socket.channel(stage.room, {a: [1, "é"]})
    const [status, response] = await stage.outcome(channel.join())
    assert.equal(status, "ok")
    assert.deepEqual(response, {topic: stage.room, params: {a: [1, "é"]}})
    assert.equal(channel.state, "joined")
  },

  "join refused, crashed, unmatched": async (stage) => {
    const socket = stage.socket()
    for(const [topic, how, expected] of [
      [stage.room, "refuse", {reason: "not you", topic: stage.room}],
      [stage.room, "crash", {reason: "join crashed"}],
      ["nowhere", "", {reason: "unmatched topic"}],
    ]){
      const channel = socket.channel(topic, {how})
      assert.deepEqual(await stage.outcome(channel.join()), ["error", expected])
      channel.leave()
    }
    await stage.joined(socket)
  },

  "push and reply": async (stage) => {
    const channel = await stage.joined(stage.socket())
    assert.deepEqual(await stage.ask(channel, "echo", {a: 1}), ["ok", {a: 1}])
    assert.deepEqual(await stage.ask(channel, "deny", {reason: "no"}), ["error", {reason: "no"}])
    assert.deepEqual(await stage.ask(channel, "nonsense"), ["error", {reason: "unmatched event: nonsense"}])
    assert.equal((await stage.outcome(channel.push("ignore", {}, 50)))[0], "timeout")
    channel.push("poke", {b: 2})
    await stage.settled(channel)
    assert.deepEqual(channel.heard, [["poked", {b: 2}]])
  },

  "order": async (stage) => {
    const channel = await stage.joined(stage.socket())
    const counts = []
    for(let number = 0; number < 300; number++){
      channel.push("count", {}).receive("ok", ({count}) => counts.push(count))
      channel.push("poke", {number})
    }
    await stage.settled(channel)
    assert.deepEqual(counts, Array.from({length: 300}, (_, number) => number + 1))
    assert.deepEqual(channel.heard.map(([, {number}]) => number), counts.map((one) => one - 1))
  },

  "broadcast": async (stage) => {
    const channels = []
    for(let number = 0; number < 3; number++){ channels.push(await stage.joined(stage.socket())) }
    const other = await stage.joined(stage.socket(), `${stage.room}-other`)
    await stage.ask(channels[0], "shout", {a: 1})
    await stage.ask(channels[1], "whisper", {b: 2})
    await stage.settled(...channels, other)
    const [all, rest] = [["said", {a: 1}], ["said", {b: 2}]]
    assert.deepEqual(channels.map((channel) => channel.heard), [[all, rest], [all], [all, rest]])
    assert.deepEqual(other.heard, [])
  },

  "leave": async (stage) => {
    const socket = stage.socket()
    const [channel, witness] = [await stage.joined(socket), await stage.joined(stage.socket())]
    assert.equal((await stage.outcome(channel.leave()))[0], "ok")
    await stage.until("the channel to close", () => channel.ends.includes("close"))
    await stage.ask(witness, "shout", {a: 1})
    const again = await stage.joined(socket)
    await stage.ask(witness, "shout", {b: 2})
    await stage.settled(again)
    assert.deepEqual(channel.heard, [])
    assert.deepEqual(again.heard, [["said", {b: 2}]])
  },

  "second join of a topic": async (stage) => {
    const socket = stage.socket()
    const first = await stage.joined(socket)
    const second = await stage.joined(socket)
    await stage.ask(second, "shout", {a: 1})
    await stage.settled(second)
    assert.deepEqual(second.heard, [["said", {a: 1}]])
    assert.deepEqual(await stage.ask(second, "count"), ["ok", {count: 1}])
    assert.ok(!first.ends.includes("error"), "the first was told of a crash")
  },

  "a channel that stops is closed and not joined again": async (stage) => {
    const socket = stage.socket()
    const channel = await stage.joined(socket)
    assert.deepEqual(await stage.ask(channel, "stop"), ["ok", {bye: true}])
    await stage.until("the channel to close", () => channel.state === "closed")
    await stage.settled(await stage.joined(socket, `${stage.room}-other`))
    assert.deepEqual(channel.ends, ["close"])
    assert.equal(channel.joins, 1)
    assert.equal(socket.seen.opens, 1)
  },

  "rejoin after a crash": async (stage) => {
    const socket = stage.socket()
    const [channel, bystander] = [await stage.joined(socket), await stage.joined(socket, `${stage.room}-other`)]
    assert.deepEqual(await stage.ask(channel, "count"), ["ok", {count: 1}])
    for(const joins of [2, 3]){
      channel.push("crash", {})
      await stage.until("the channel to be joined again", () => channel.joins === joins && channel.state === "joined")
      assert.deepEqual(await stage.ask(channel, "count"), ["ok", {count: 1}])
    }
    assert.deepEqual(channel.ends, ["error", "error"])
    assert.deepEqual(bystander.ends, [])
    assert.equal(socket.seen.opens, 1)
  },

  "reconnect after 1012": async (stage) => {
    const socket = stage.socket()
    const channels = [await stage.joined(socket), await stage.joined(socket, `${stage.room}-other`)]
    channels[0].push("restart", {})
    await stage.until("the socket to close", () => socket.seen.codes.length === 1)
    const buffered = stage.ask(channels[1], "echo", {kept: true})
    await stage.until("both channels to be joined again", () => channels.every((channel) => channel.joins === 2))
    assert.deepEqual(await buffered, ["ok", {kept: true}])
    assert.deepEqual(socket.seen, {...socket.seen, opens: 2, codes: [1012]})
    assert.ok(channels.every((channel) => !channel.ends.includes("close")), "a channel was closed for good")
    await stage.ask(channels[0], "shout", {a: 1})
    await stage.settled(channels[0])
    assert.deepEqual(channels[0].heard, [["said", {a: 1}]])
  },

  "every socket of a user disconnected with 1001": async (stage) => {
    const of = (user) => stage.socket("/socket", {params: {user: `${user} of ${stage.room}`}})
    const [phone, laptop, other] = [of("ann"), of("ann"), of("bob")]
    const channels = []
    for(const socket of [phone, laptop, other]){ channels.push(await stage.joined(socket)) }
    channels[2].push("throw out", {user: `ann of ${stage.room}`})
    await stage.until("both to be back", () => channels[0].joins === 2 && channels[1].joins === 2)
    assert.deepEqual([phone, laptop, other].map((socket) => socket.seen.codes), [[1001], [1001], []])
  },

  "presence of several devices": async (stage) => {
    const crowd = new Crowd(stage)
    const phone = await crowd.enter("ann", "phone")
    const laptop = await crowd.enter("ann", "laptop")
    const bob = await crowd.enter("bob", "tablet")
    const everyone = [phone, laptop, bob]
    const all = {ann: ["laptop", "phone"], bob: ["tablet"]}
    await crowd.agreed(everyone, all)

    await stage.outcome(laptop.channel.push("update", {device: "desktop"}))
    await crowd.agreed(everyone, {ann: ["desktop", "phone"], bob: ["tablet"]})

    await stage.outcome(phone.channel.leave())
    await crowd.agreed([laptop, bob], {ann: ["desktop"], bob: ["tablet"]})

    bob.channel.push("crash", {})
    await stage.until("bob to be back", () => bob.channel.joins === 2)
    await crowd.agreed([laptop, bob], {ann: ["desktop"], bob: ["tablet"]})

    bob.socket.disconnect()
    await crowd.agreed([laptop], {ann: ["desktop"]})
    assert.deepEqual(laptop.left.at(-1), "bob")
  },

  "binary payloads": async (stage) => {
    if(!speaksBinary(stage)){ return "this version knows JSON only" }
    const [channel, witness] = [await stage.joined(stage.socket()), await stage.joined(stage.socket())]
    const every = bytes(...Array(256).keys())
    const [status, response] = await stage.ask(channel, "echo", every)
    assert.equal(status, "ok")
    assert.deepEqual(listed(response), listed(every))
    assert.deepEqual(listed((await stage.ask(channel, "deny", bytes(7)))[1]), [7])
    assert.deepEqual(listed((await stage.ask(channel, "echo", bytes()))[1]), [])
    channel.push("poke", bytes(1, 2, 255))
    await stage.ask(channel, "shout", bytes(9))
    await stage.settled(channel, witness)
    assert.deepEqual(channel.heard.map(([event, data]) => [event, listed(data)]), [["poked", [1, 2, 255]], ["said", [9]]])
    assert.deepEqual(witness.heard.map(([event, data]) => [event, listed(data)]), [["said", [9]]])
    assert.deepEqual(await stage.ask(channel, "echo", {json: true}), ["ok", {json: true}])
  },

  "heartbeats": async (stage) => {
    const socket = stage.socket("/socket", {heartbeatIntervalMs: 40})
    const channel = await stage.joined(socket)
    let beats = 0
    socket.onMessage(({topic, event}) => { if(topic === "phoenix" && event === "phx_reply"){ beats++ } })
    await stage.until("five heartbeats", () => beats >= 5)
    await stage.settled(channel)
    assert.deepEqual(socket.seen, {opens: 1, codes: [], errors: 0})
  },

  "heartbeat timeout": async (stage) => {
    const socket = stage.socket("/deaf", {heartbeatIntervalMs: 60})
    const channel = await stage.joined(socket)
    await stage.until("the client to give up and connect again", () => socket.seen.opens >= 2 && channel.joins >= 2)
    assert.ok(socket.seen.codes.length >= 1)
  },

  "auth token": async (stage) => {
    const socket = stage.socket("/guarded", {authToken: "open sesame"})
    if(socket.authToken === undefined){ return "this version has no authToken" }
    await stage.settled(await stage.joined(socket))
    assert.equal(socket.conn.protocol, "phoenix")
    const stranger = stage.socket("/guarded", {authToken: "close sesame"})
    await stage.until("the refusal", () => stranger.seen.errors >= 1)
    assert.equal(stranger.seen.opens, 0)
  },

  "unknown version": async (stage) => {
    const socket = stage.socket("/socket", {vsn: "3.0.0"})
    if(socket.vsn === undefined){ return "this version cannot ask for another" }
    await stage.until("the refusal", () => socket.seen.errors >= 1)
    assert.equal(socket.seen.opens, 0)
  },
}
