// A socket of Phoenix Channels V2 that stays connected: heartbeats, acknowledged pushes, and tries again by itself.
//
// A message is [join_ref, ref, topic, event, payload]; broadcasts that are kept carry their position as a sixth.

export const HEARTBEAT_EVERY = 30_000;
export const ACK_TIMEOUT = 10_000;
export const CONNECT_TIMEOUT = 10_000;

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;

/** How long to wait before try number `attempt` (0, 1, …) in ms: doubled each time, and spread over half of it, so
 *  that those whom one restart cut off do not all come back in the same instant. `random` is in [0, 1). */
export function backoff(attempt, random) {
  const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
  return Math.round(longest * (0.5 + random / 2));
}

/** A push that got no reply: `reason` says why. */
export class Unanswered extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const browser = {
  open: (url) => new WebSocket(url),
  now: () => performance.now(),
  after: (ms, then) => setTimeout(then, ms),
  cancel: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};

/** Emits `open`; `lost` with {code, reason, delay, attempt} when the next try is `delay` ms away; `connecting`;
 *  `closed` after `close()`; `rtt` in ms with each reply; `message` with [joinRef, topic, event, payload, position]. */
export class Socket {
  state = "closed"; // connecting, open, waiting
  rtt = null;

  #url;
  #listeners = new Map();
  #websocket = null;
  #asked = new Map(); // by ref
  #lastRef = 0;
  #attempt = 0;
  #timer = null; // of the next try, of the handshake, or of the next heartbeat: one at a time

  constructor(url, world = browser) {
    this.#url = url;
    this.world = world;
  }

  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, [...listeners, listener]);
  }

  /** Connect now: at first, or because there is no point in waiting for the next try. */
  connect() {
    if (this.state === "open" || this.state === "connecting") return;
    this.world.cancel(this.#timer);
    this.#become("connecting");
    const websocket = (this.#websocket = this.world.open(this.#url));
    websocket.onopen = () => this.#opened();
    websocket.onmessage = (event) => this.#heard(event.data);
    websocket.onclose = (event) => this.#lost(event.code, event.reason);
    this.#timer = this.world.after(CONNECT_TIMEOUT, () => this.#abandon("no answer"));
  }

  /** Close for good, until `connect`. */
  close() {
    this.#detach()?.close(1000);
    this.#forget("closed");
    this.#become("closed");
  }

  /** A ref of our own; a join has to know its ref before it is sent. */
  nextRef() {
    return String(++this.#lastRef);
  }

  /** Send, and wait for the reply, {status, response}. Rejects with `Unanswered` if none comes. */
  push(joinRef, topic, event, payload) {
    return new Promise((resolve, reject) => {
      this.ask(joinRef, this.nextRef(), topic, event, payload, resolve, reject);
    });
  }

  /** The same with functions: `answered` has run before the message behind the reply is looked at. */
  ask(joinRef, ref, topic, event, payload, answered, failed) {
    if (!this.#send(joinRef, ref, topic, event, payload)) return failed(new Unanswered("offline"));
    const timer = this.world.after(ACK_TIMEOUT, () => {
      this.#asked.delete(ref);
      failed(new Unanswered("timeout"));
    });
    this.#asked.set(ref, { topic, answered, failed, timer, sent: this.world.now() });
  }

  /** Send what nobody answers. */
  tell(joinRef, topic, event, payload) {
    return this.#send(joinRef, null, topic, event, payload);
  }

  #send(joinRef, ref, topic, event, payload) {
    if (this.state !== "open") return false;
    this.#websocket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
    return true;
  }

  #opened() {
    this.world.cancel(this.#timer);
    this.#become("open");
    this.#beatLater();
  }

  #beatLater() {
    this.#timer = this.world.after(HEARTBEAT_EVERY, () => {
      const websocket = this.#websocket;
      this.push(null, "phoenix", "heartbeat", {}).then(
        () => websocket === this.#websocket && this.#beatLater(),
        () => websocket === this.#websocket && this.#abandon("heartbeat unanswered"),
      );
    });
  }

  #heard(text) {
    const [joinRef, ref, topic, event, payload, position] = JSON.parse(text);
    this.#attempt = 0; // a server that only accepts and closes again is not back
    if (event === "phx_reply") this.#answered(ref, topic, payload);
    else this.#emit("message", [joinRef, topic, event, payload, position ?? null]);
  }

  #answered(ref, topic, reply) {
    const asked = this.#asked.get(ref);
    if (asked?.topic !== topic) return;
    this.#asked.delete(ref);
    this.world.cancel(asked.timer);
    this.rtt = this.world.now() - asked.sent;
    this.#emit("rtt", this.rtt);
    asked.answered(reply);
  }

  /** Give up on a connection that may be dead: the browser would wait a minute for it. */
  #abandon(reason) {
    this.#detach()?.close(1000);
    this.#lost(1006, reason);
  }

  #detach() {
    const websocket = this.#websocket;
    if (websocket) websocket.onopen = websocket.onmessage = websocket.onclose = null;
    return websocket;
  }

  #lost(code, reason) {
    this.#forget("lost");
    const attempt = this.#attempt++;
    const delay = backoff(attempt, this.world.random());
    this.#timer = this.world.after(delay, () => this.connect());
    this.#become("waiting", "lost", { code, reason, delay, attempt });
  }

  #forget(reason) {
    this.#websocket = null;
    this.world.cancel(this.#timer);
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const one of asked) {
      this.world.cancel(one.timer);
      one.failed(new Unanswered(reason));
    }
  }

  #become(state, event = state, detail = null) {
    this.state = state;
    this.#emit(event, detail);
  }

  #emit(event, detail) {
    for (const listener of this.#listeners.get(event) ?? []) listener(detail);
  }
}
