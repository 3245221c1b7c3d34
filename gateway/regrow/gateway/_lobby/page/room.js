// A room as its user sees it: what was said, what is still to be said, who is typing, and what is unread.

const KEPT = 500; // entries of a room that are shown
const TYPING_LASTS = 4_000;
const TELL_TYPING_EVERY = 2_000;

/** `hooks`: `changed(room, what, entry)`, what being added, removed, updated, typing, people, unread or state; and
 *  `recovered(room)` for each message that was missed. */
export class Room {
  entries = []; // {kind: "message", id, from, body, at, state, reason} or {kind: "notice", text, at}
  unread = 0;
  typing = new Map(); // name → timer
  channel = null;

  #hooks;
  #me;
  #world;
  #known = new Set(); // of messages with an id, to show each once however often it was sent
  #toldTyping = -Infinity;
  #missed = false; // whether what is recovered was missed, and is not what had been said before we came

  /** `me()` is the user's name. */
  constructor(id, me, world, hooks) {
    this.id = id;
    this.#me = me;
    this.#world = world;
    this.#hooks = hooks;
  }

  /** What its channel is to call. */
  get channelHooks() {
    return {
      state: (state, detail) => this.#became(state, detail),
      message: (event, payload, isRecovered) => this.#heard(event, payload, isRecovered),
      presence: () => this.#present(),
      gap: () => this.note("Some messages said while you were away could not be recovered."),
    };
  }

  say(body) {
    const id = `${this.#world.random().toString(36).slice(2)}${this.#world.now().toString(36)}`;
    const entry = { kind: "message", id, from: this.#me(), body, at: Date.now(), state: "waiting", reason: null };
    this.#add(entry);
    this.#toldTyping = -Infinity;
    this.send(entry);
  }

  /** Send a message of our own, again if need be. What comes back with its id confirms it. */
  send(entry) {
    this.#update(entry, this.channel.state === "joined" ? "sending" : "waiting");
    if (entry.state === "waiting") return; // until the room is joined
    this.channel.push("new_msg", { body: entry.body, id: entry.id }).then(
      ({ status, response }) => status === "error" && this.#fail(entry, response.reason),
      ({ reason }) => (reason === "timeout" ? this.#fail(entry, reason) : this.#update(entry, "waiting")),
    );
  }

  discard(entry) {
    this.#remove(entry);
  }

  /** The user types: the others are told now and then. */
  type() {
    const now = this.#world.now();
    if (now - this.#toldTyping < TELL_TYPING_EVERY) return;
    if (this.channel.tell("typing", { name: this.#me() })) this.#toldTyping = now;
  }

  note(text) {
    this.#add({ kind: "notice", text, at: Date.now() });
  }

  read() {
    this.unread = 0;
    this.#hooks.changed(this, "unread");
  }

  #became(state, detail) {
    if (state === "refused") this.note(`The server did not let you in: ${detail.reason}.`);
    if (state !== "joined") for (const name of [...this.typing.keys()]) this.#stopTyping(name);
    this.#hooks.changed(this, "state");
  }

  #heard(event, payload, isRecovered) {
    if (event === "typing") return this.#types(text(payload.name));
    if (event !== "new_msg") return;
    const message = this.#message(payload);
    const isMine = message.from === this.#me();
    if (payload.id !== undefined) {
      const key = JSON.stringify([message.from, message.id]);
      if (this.#known.has(key)) return;
      this.#known.add(key);
      const waiting = isMine && this.entries.find((entry) => entry.id === message.id);
      if (waiting) this.#remove(waiting); // it goes where the server put it
    }
    this.#stopTyping(message.from);
    this.#add(message);
    const wasMissed = isRecovered && this.#missed;
    if (wasMissed) this.#hooks.recovered(this);
    if (!isMine && (!isRecovered || wasMissed)) {
      this.unread += 1;
      this.#hooks.changed(this, "unread");
    }
  }

  #present() {
    this.#missed = true; // the first history has come
    for (const entry of this.entries) if (entry.state === "waiting") this.send(entry);
    this.#hooks.changed(this, "people");
  }

  #message({ id, from, body, at }) {
    const time = Number.isFinite(at) && Math.abs(at) < 8.64e15 ? at : Date.now();
    return { kind: "message", id, from: text(from) || "someone", body: text(body), at: time, state: "sent", reason: null };
  }

  #types(name) {
    if (!name || name === this.#me()) return;
    this.#world.cancel(this.typing.get(name));
    this.typing.set(name, this.#world.after(TYPING_LASTS, () => this.#stopTyping(name)));
    this.#hooks.changed(this, "typing");
  }

  #stopTyping(name) {
    if (!this.typing.has(name)) return;
    this.#world.cancel(this.typing.get(name));
    this.typing.delete(name);
    this.#hooks.changed(this, "typing");
  }

  #fail(entry, reason) {
    if (entry.state === "sending") this.#update(entry, "failed", reason);
  }

  #update(entry, state, reason = null) {
    if (!this.entries.includes(entry)) return; // it has come back in the meantime
    Object.assign(entry, { state, reason });
    this.#hooks.changed(this, "updated", entry);
  }

  #add(entry) {
    this.entries.push(entry);
    this.#hooks.changed(this, "added", entry);
    if (this.entries.length > KEPT) this.#remove(this.entries[0]);
  }

  #remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.#hooks.changed(this, "removed", entry);
  }
}

function text(value) {
  return typeof value === "string" ? value : "";
}
