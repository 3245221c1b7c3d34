// One joined topic: joins again after whatever ends it, asks for what it missed, and lets no message through twice.

import { fromState, withDiff } from "./presence.js";
import { backoff, Unanswered } from "./socket.js";

const FIRST_LOOK = 50; // messages a newcomer asks for

/** Refusals that say nothing about what was asked, only about when. */
const PASSING = new Set(["join crashed", "too many joins", "rate limited", "socket crashed"]);

/** Calls its hooks: `state(state, detail)`; `message(event, payload, isRecovered)`; `presence(presences)`; and `gap()`
 *  when what was missed cannot be had any more. The states are lost, joining, joined, left, and refused, whose detail is
 *  the server's answer. */
export class Channel {
  state = "lost";
  presences = new Map();
  position = null; // {epoch, offset} of the last message that came

  #socket;
  #params;
  #hooks;
  #joinRef = null;
  #head = null; // the position the join was answered with, until all before it has come
  #early = null; // presence diffs that came before the state
  #attempt = 0;
  #timer = null;

  /** `params()` gives the params of each join. */
  constructor(socket, topic, params, hooks) {
    this.topic = topic;
    this.#socket = socket;
    this.#params = params;
    this.#hooks = hooks;
    socket.on("open", () => this.state !== "left" && this.join());
    socket.on("message", (message) => this.#heard(...message));
    for (const end of ["lost", "closed"]) socket.on(end, () => this.state !== "left" && this.#ended());
  }

  /** Join; or join again, with other params for instance. What is missed meanwhile is recovered. */
  join() {
    this.#socket.world.cancel(this.#timer);
    if (this.#socket.state !== "open") return;
    const ref = (this.#joinRef = this.#socket.nextRef());
    const recover = this.position ?? { last: FIRST_LOOK };
    this.#head = null;
    this.#early = [];
    this.#become("joining");
    this.#socket.ask(
      ref, ref, this.topic, "phx_join", { ...this.#params(), recover },
      (reply) => ref === this.#joinRef && this.#answered(reply),
      (error) => ref === this.#joinRef && error.reason === "timeout" && this.#joinLater(),
    );
  }

  leave() {
    this.#socket.world.cancel(this.#timer);
    this.#socket.tell(this.#joinRef, this.topic, "phx_leave", {});
    this.#joinRef = null;
    this.#become("left");
  }

  /** Send an event; resolves with the reply, rejects with `Unanswered`. */
  push(event, payload) {
    if (this.state !== "joined") return Promise.reject(new Unanswered("offline"));
    return this.#socket.push(this.#joinRef, this.topic, event, payload);
  }

  /** Send an event that nobody answers; whether it was sent. */
  tell(event, payload) {
    return this.state === "joined" && this.#socket.tell(this.#joinRef, this.topic, event, payload);
  }

  #answered({ status, response }) {
    if (status !== "ok") {
      this.#become("refused", response);
      if (PASSING.has(response.reason)) this.#joinLater();
      return;
    }
    this.#attempt = 0;
    if (response.epoch !== undefined) {
      const lacks = this.position !== null && !response.recovered;
      this.#head = { epoch: response.epoch, offset: response.offset };
      if (!response.recovered) this.position = this.#head;
      if (lacks) this.#hooks.gap();
    }
    this.#become("joined");
  }

  #heard(joinRef, topic, event, payload, position) {
    if (topic !== this.topic || this.#joinRef === null) return;
    if (joinRef !== null && joinRef !== this.#joinRef) return; // of an earlier join
    switch (event) {
      case "phx_error":
      case "phx_close":
        this.#ended();
        return this.#joinLater();
      case "presence_state":
        this.#toldAllMissed();
        return this.#told(payload);
      case "presence_diff":
        return this.#changed(payload);
      default:
        return this.#passOn(event, payload, position);
    }
  }

  #passOn(event, payload, position) {
    if (position === null) return this.#hooks.message(event, payload, false);
    const { epoch, offset } = this.position ?? {};
    if (epoch === position.epoch && position.offset <= offset) return; // it came before the connection was lost
    const isRecovered = this.#head?.epoch === position.epoch && position.offset <= this.#head.offset;
    if (!isRecovered) this.#head = null;
    this.position = position;
    this.#hooks.message(event, payload, isRecovered);
  }

  /** What was missed comes in one piece behind the reply. Only when something else comes is it known to be complete. */
  #toldAllMissed() {
    if (this.#head !== null && this.#head.epoch === (this.position?.epoch ?? this.#head.epoch)) this.position = this.#head;
    this.#head = null;
  }

  #told(state) {
    this.presences = this.#early.reduce(withDiff, fromState(state));
    this.#early = null;
    this.#hooks.presence(this.presences);
  }

  #changed(diff) {
    if (this.#early !== null) return this.#early.push(diff);
    this.presences = withDiff(this.presences, diff);
    this.#hooks.presence(this.presences);
  }

  #ended() {
    this.#socket.world.cancel(this.#timer);
    this.#joinRef = null;
    this.#become("lost");
  }

  #joinLater() {
    const { world } = this.#socket;
    this.#timer = world.after(backoff(this.#attempt++, world.random()), () => this.join());
  }

  #become(state, detail = null) {
    this.state = state;
    this.#hooks.state(state, detail);
  }
}
