// A world for the scripts of the page: a clock that stands still, and a server that says what its test says.

const page = process.env.PAGE;
export const { backoff, Socket, HEARTBEAT_EVERY, ACK_TIMEOUT, CONNECT_TIMEOUT } = await import(`${page}/socket.js`);
export const { Channel } = await import(`${page}/channel.js`);
export const { Room } = await import(`${page}/room.js`);
export const { fromState, withDiff } = await import(`${page}/presence.js`);

export class World {
  time = 0;
  chance = 0;
  sockets = [];
  #timers = new Map();
  #last = 0;

  now = () => this.time;
  random = () => this.chance;
  cancel = (timer) => this.#timers.delete(timer);

  after = (ms, then) => {
    this.#timers.set(++this.#last, { due: this.time + ms, then });
    return this.#last;
  };

  open = (url) => {
    const socket = new WebSocketOf(url);
    this.sockets.push(socket);
    return socket;
  };

  /** The connection that was opened last. */
  get socket() {
    return this.sockets.at(-1);
  }

  get pending() {
    return this.#timers.size;
  }

  /** Let time pass, and whatever is due in it happen in its order. */
  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const [next] = [...this.#timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due);
      if (!next) break;
      const [timer, { due, then }] = next;
      this.#timers.delete(timer);
      this.time = due;
      then();
    }
    this.time = end;
  }
}

export const settle = () => new Promise((then) => setImmediate(then));

class WebSocketOf {
  sent = [];
  closed = null;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closed = code;
  }

  accept() {
    this.onopen();
  }

  say(...message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  reply([joinRef, ref, topic], status, response = {}) {
    this.say(joinRef, ref, topic, "phx_reply", { status, response });
  }

  drop(code = 1006, reason = "") {
    this.onclose({ code, reason });
  }

  /** What was sent last with this event. */
  last(event) {
    return this.sent.findLast((message) => message[3] === event);
  }
}
