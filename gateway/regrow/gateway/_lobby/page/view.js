// The page as elements. What users have written only ever becomes text, never markup.

const GROUPED_WITHIN = 5 * 60_000;

export const $ = (id) => document.getElementById(id);

/** An element with properties; `dataset` and `aria-…` may be among them. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "dataset") Object.assign(made.dataset, value);
    else if (name.startsWith("aria-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

export function avatar(name, made = element("span", { className: "avatar", "aria-hidden": "true" })) {
  made.textContent = [...name][0]?.toUpperCase() ?? "?";
  made.style.setProperty("--hue", hue(name));
  return made;
}

/** A colour for a name, the same on every device. */
function hue(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

function dayOf(at) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  return { 0: "Today", 1: "Yesterday" }[days] ?? date.format(at);
}

/** The messages of the open room. Follows the last one unless its reader has scrolled up. */
export class Log {
  #nodes = new Map(); // entry → its element
  #entries = [];
  #end = 0; // where the frame was scrolled to last, to show its end

  constructor(frame, latest, { me, retry, discard }) {
    Object.assign(this, { frame, latest, me, retry, discard });
    frame.addEventListener("scroll", () => this.follows && this.#showLatest(false));
    latest.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.follows && this.toEnd()).observe(frame);
  }

  /** Whether its reader is at the end, or still where the end was before it grew. */
  get follows() {
    const { scrollHeight, scrollTop, clientHeight } = this.frame;
    return scrollTop > Math.min(this.#end, scrollHeight - clientHeight) - 40;
  }

  toEnd() {
    this.frame.scrollTop = this.frame.scrollHeight;
    this.#end = this.frame.scrollTop;
    this.#showLatest(false);
  }

  show(entries) {
    this.#nodes.clear();
    this.#entries = [];
    this.frame.replaceChildren();
    this.#empty();
    for (const entry of entries) this.#append(entry);
    this.toEnd();
  }

  added(entry, { isMine }) {
    const follows = this.follows || isMine;
    this.#append(entry);
    if (follows) this.toEnd();
    else this.#showLatest(true);
  }

  updated(entry) {
    const node = this.#nodes.get(entry);
    if (!node) return;
    const { follows } = this;
    const made = this.#made(entry, node.dataset.starts === "true");
    this.#nodes.set(entry, made);
    node.replaceWith(made);
    if (follows) this.toEnd();
  }

  removed(entry) {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    this.#nodes.get(entry)?.remove();
    this.#nodes.delete(entry);
    this.#entries.splice(at, 1);
    const next = this.#entries[at];
    if (next) {
      this.#nodes.get(next).dataset.starts = String(startsGroup(next, this.#entries[at - 1]));
      this.updated(next);
    }
    if (!this.#entries.length) this.#empty();
  }

  #append(entry) {
    const before = this.#entries.at(-1);
    if (!before) this.frame.replaceChildren();
    if (!before || dayOf(before.at) !== dayOf(entry.at)) {
      this.frame.append(element("p", { className: "day" }, element("span", { textContent: dayOf(entry.at) })));
    }
    const node = this.#made(entry, startsGroup(entry, before));
    this.#nodes.set(entry, node);
    this.#entries.push(entry);
    this.frame.append(node);
  }

  #made(entry, starts) {
    const node = entry.kind === "notice" ? this.#notice(entry) : this.#message(entry, starts);
    node.dataset.starts = String(starts);
    return node;
  }

  #notice({ text, at }) {
    return element("p", { className: "notice" }, element("span", { textContent: text }), " ", time(at));
  }

  #message(entry, starts) {
    const isMine = entry.from === this.me();
    const said = element("div", { className: "said" });
    if (starts) {
      const name = element("span", { className: "name", textContent: entry.from });
      const head = element("p", { className: "head" }, name);
      if (isMine) head.append(element("span", { className: "you", textContent: "you" }));
      head.append(time(entry.at));
      said.append(head);
    }
    said.append(element("p", { className: "body", textContent: entry.body, dir: "auto" }));
    if (entry.state !== "sent") said.append(this.#fate(entry));
    const node = element("article", { className: "message", dataset: { state: entry.state, mine: String(isMine) } });
    node.title = starts ? "" : full.format(entry.at);
    node.append(starts ? avatar(entry.from) : element("span", { className: "indent" }), said);
    if (!starts) node.setAttribute("aria-label", `${entry.from}, ${clock.format(entry.at)}`);
    return node;
  }

  #fate(entry) {
    const fate = element("p", { className: "fate", textContent: FATES[entry.state] ?? "" });
    if (entry.state === "failed") {
      fate.textContent = `Not sent: ${REASONS[entry.reason] ?? entry.reason} `;
      const again = element("button", { type: "button", className: "link", textContent: "Try again" });
      const drop = element("button", { type: "button", className: "link", textContent: "Discard" });
      again.onclick = () => this.retry(entry);
      drop.onclick = () => this.discard(entry);
      fate.append(again, " ", drop);
    }
    return fate;
  }

  #empty() {
    const title = element("strong", { textContent: "It is quiet in here." });
    const text = element("span", { textContent: "Say the first word, or open this address in a second window." });
    this.frame.replaceChildren(element("div", { className: "empty" }, title, text));
  }

  #showLatest(isShown) {
    this.latest.hidden = !isShown;
  }
}

const FATES = { sending: "Sending…", waiting: "Will be sent once you are connected" };

const REASONS = {
  "rate limited": "that was too fast.",
  "message too long": "it is too long.",
  timeout: "the server did not answer.",
};

function startsGroup(entry, before) {
  return (
    before?.kind !== "message" ||
    before.from !== entry.from ||
    entry.at - before.at > GROUPED_WITHIN ||
    dayOf(before.at) !== dayOf(entry.at)
  );
}

function time(at) {
  return element("time", { textContent: clock.format(at), dateTime: new Date(at).toISOString(), title: full.format(at) });
}

/** The rooms, each a link that others can be sent. */
export function showRooms(list, rooms, current) {
  list.replaceChildren(
    ...rooms.map((room) => {
      const link = element("a", { href: `#${room.id}` }, element("span", { className: "hash", textContent: "#", "aria-hidden": "true" }));
      link.append(element("span", { className: "name", textContent: room.id }));
      if (room === current) link.setAttribute("aria-current", "page");
      if (room.unread) {
        const label = element("span", { className: "unseen", textContent: " unread" });
        link.append(element("span", { className: "badge", textContent: room.unread > 99 ? "99+" : room.unread }, label));
      }
      return element("li", {}, link);
    }),
  );
}

/** Those who are in a room, oneself first, and on how many devices. */
export function showPeople(list, presences, me) {
  const names = [...presences.keys()].sort((a, b) => (b === me) - (a === me) || a.localeCompare(b));
  const people = names.map((name) => {
    const devices = presences.get(name).length;
    const row = element("li", {}, avatar(name), element("span", { className: "name", textContent: name }));
    if (name === me) row.append(element("span", { className: "you", textContent: "you" }));
    if (devices > 1) row.append(element("span", { className: "devices", textContent: `${devices} devices` }));
    return row;
  });
  if (!people.length) people.push(element("li", { className: "nobody", textContent: "Nobody is shown yet." }));
  list.replaceChildren(...people);
}

export function typingText(names) {
  const [first, second] = names;
  if (!names.length) return "";
  if (names.length === 1) return `${first} is typing…`;
  return names.length === 2 ? `${first} and ${second} are typing…` : `${names.length} people are typing…`;
}

/** A duration for people, from ms. */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
