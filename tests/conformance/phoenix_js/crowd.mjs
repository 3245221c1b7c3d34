// Who is in a topic, by the presence of the client version at hand.
import assert from "node:assert/strict"

export class Crowd {
  constructor(stage){ this.stage = stage }

  async enter(user, device){
    const { Presence } = this.stage.phoenix
    const socket = this.stage.socket()
    const member = {socket, state: {}, left: []}
    const onLeave = (key, present) => { if(present.metas.length === 0){ member.left.push(key) } }
    const channel = member.channel = socket.channel(this.stage.crowd, {user, device})
    if(Presence.prototype?.onSync){
      const presence = new Presence(channel)
      presence.onLeave(onLeave)
      presence.onSync(() => { member.state = presence.state })
    } else { // before 1.4 the page kept the state itself
      channel.on("presence_state", (state) => { member.state = Presence.syncState(member.state, state, null, onLeave) })
      channel.on("presence_diff", (diff) => { member.state = Presence.syncDiff(member.state, diff, null, onLeave) })
    }
    channel.joins = 0
    const join = channel.join()
    join.receive("ok", () => channel.joins++)
    assert.equal((await this.stage.outcome(join))[0], "ok")
    return member
  }

  // Wait until every member sees the same devices by user.
  async agreed(members, expected){
    const seen = ({state}) => Object.fromEntries(
      Object.entries(state).map(([user, {metas}]) => [user, metas.map(({device}) => device).sort()]).sort()
    )
    const wanted = JSON.stringify(expected)
    await this.stage.until(`${wanted}, seen ${members.map((member) => JSON.stringify(seen(member)))}`,
      () => members.every((member) => JSON.stringify(seen(member)) === wanted))
  }
}
