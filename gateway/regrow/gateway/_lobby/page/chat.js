// The chat page: which rooms there are, which is open, and what the user does. The parts know nothing of each other.

import { Channel } from "./channel.js";
import { Room } from "./room.js";
import { Socket } from "./socket.js";
import { $, avatar, duration, Log, showPeople, showRooms, typingText } from "./view.js";

const LONGEST_MESSAGE = 1024; // characters, as the server counts them
const LONGEST_NAME = 32;
const FIRST_ROOMS = ["lobby", "random", "help"];
const MOST_ROOMS = 20;
const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/;

const CLOSED = {
  1008: "The server closed the connection: too much was sent too fast.",
  1011: "Its process crashed more often than its supervisor allows, so the server closed this connection (1011).",
  1012: "The server is restarting.",
  1013: "The server closed the connection: this browser read too slowly.",
};

const remembered = (key) => localStorage.getItem(`regrow.${key}`);
const remember = (key, value) => localStorage.setItem(`regrow.${key}`, value);

const address = new URL("/socket/websocket?vsn=2.0.0", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new Socket(address);

const rooms = new Map();
let open = null; // the room that is shown
let name = remembered("name");
let recovered = 0;
let process = null; // {pid, incarnation} of what serves the connection
let ended = null; // how the last connection ended, and when the next try is due

const log = new Log($("log"), $("latest"), {
  me: () => name,
  retry: (entry) => open.send(entry),
  discard: (entry) => open.discard(entry),
});

// Rooms

function rememberedRooms() {
  try {
    return JSON.parse(remembered("rooms") ?? "[]").filter((id) => ROOM_ID.test(id)).slice(0, MOST_ROOMS);
  } catch {
    return []; // whatever it was that was kept there
  }
}

function add(id) {
  const room = new Room(id, () => name, socket.world, { changed, recovered: countRecovered });
  room.channel = new Channel(socket, `room:${id}`, () => ({ name }), room.channelHooks);
  rooms.set(id, room);
  remember("rooms", JSON.stringify([...rooms.keys()]));
  room.channel.join();
  return room;
}

function changed(room, what, entry) {
  if (what === "unread" && room === open && !document.hidden && room.unread) return room.read();
  if (what === "unread") showUnread();
  if (room !== open) return;
  if (what === "added") log.added(entry, { isMine: entry.from === name && entry.state !== "sent" });
  if (what === "removed") log.removed(entry);
  if (what === "updated") log.updated(entry);
  if (what === "typing") $("typing").textContent = typingText([...room.typing.keys()]);
  if (what === "people" || what === "state") showWhoIsHere();
}

function countRecovered() {
  recovered += 1;
  $("recovered").textContent = recovered;
}

function refusal(id) {
  if (!ROOM_ID.test(id)) return "A room is 1 to 64 letters, digits, - or _.";
  return rooms.has(id) || rooms.size < MOST_ROOMS ? "" : `Leave a room first: ${MOST_ROOMS} are open.`;
}

/** Show a room, joining it if need be; whether it may be. */
function openRoom(id) {
  const why = refusal(id);
  fail("room", why);
  if (why) {
    if (open) history.replaceState(null, "", `#${open.id}`);
    return false;
  }
  open = rooms.get(id) ?? add(id);
  if (location.hash !== `#${id}`) history.replaceState(null, "", `#${id}`);
  remember("open", id);
  $("room-title").textContent = id;
  $("message").placeholder = `Say something in #${id}`;
  $("leave").hidden = FIRST_ROOMS.includes(id);
  $("typing").textContent = typingText([...open.typing.keys()]);
  log.show(open.entries);
  open.read();
  showWhoIsHere();
  return true;
}

function showUnread() {
  showRooms($("room-list"), [...rooms.values()], open);
  const all = [...rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  $("all-unread").textContent = all > 99 ? "99+" : all;
  $("all-unread").hidden = !all;
  document.title = `${all ? `(${all}) ` : ""}#${open.id} · Regrow`;
}

function showWhoIsHere() {
  const { presences, state } = open.channel;
  showPeople($("people"), presences, name);
  $("people").classList.toggle("stale", state !== "joined"); // nobody tells us who comes and goes
  $("head-count").textContent = presences.size || "";
}

function leave() {
  open.channel.leave();
  rooms.delete(open.id);
  remember("rooms", JSON.stringify([...rooms.keys()]));
  location.hash = FIRST_ROOMS[0];
}

// Messages

const field = $("message");

function length() {
  return [...field.value.trim()].length; // code points, as the server counts them
}

function measure() {
  const surplus = length() - LONGEST_MESSAGE;
  $("length").textContent = `${length().toLocaleString("en")} / ${LONGEST_MESSAGE.toLocaleString("en")}`;
  $("length").classList.toggle("near", surplus > -100);
  $("composer").classList.toggle("has-text", length() > 0);
  field.setAttribute("aria-invalid", String(surplus > 0));
  fail("composer", surplus > 0 ? `Too long by ${surplus}.` : "");
  $("send").disabled = surplus > 0 || !length();
}

function send(event) {
  event.preventDefault();
  measure();
  if ($("send").disabled) return;
  open.say(field.value.trim());
  field.value = "";
  measure();
  field.focus();
}

$("composer").addEventListener("submit", send);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
});
field.addEventListener("input", () => {
  measure();
  if (length()) open.type();
});

// The connection

socket.on("connecting", showState);
socket.on("rtt", (ms) => ($("rtt").textContent = duration(ms)));
socket.on("open", async () => {
  const before = ended;
  ended = null;
  showState();
  await askWho();
  if (before) open.note(`Connected again. ${process ? `Process ${process.pid} serves this connection.` : ""}`);
});
socket.on("lost", ({ code, delay }) => {
  ended = { code, due: performance.now() + delay };
  process = null;
  if (CLOSED[code]) open.note(CLOSED[code]);
  showState();
});

async function askWho() {
  try {
    const { response } = await socket.push(null, "connection", "who", {});
    process = response;
  } catch {
    process = null; // the connection is lost, which is shown anyway
  }
  showState();
}

function showState() {
  const words = { open: "Connected", connecting: "Connecting…", waiting: "Disconnected", closed: "Not connected" };
  $("state").textContent = words[socket.state];
  document.body.dataset.connection = socket.state;
  $("pid").textContent = process?.pid ?? "–";
  $("incarnation").textContent = process?.incarnation ?? "–";
  $("crash").disabled = socket.state !== "open";
  $("banner").hidden = ended === null;
  if (ended === null) return;
  const title = navigator.onLine ? "Connection lost." : "You are offline.";
  if ($("banner-title").textContent !== title) $("banner-title").textContent = title;
  const seconds = Math.max(0, Math.ceil((ended.due - performance.now()) / 1000));
  $("banner-text").textContent = seconds && socket.state === "waiting" ? `Next try in ${seconds} s` : "Trying…";
}

setInterval(() => ended && showState(), 250);
addEventListener("online", () => socket.connect());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  open?.read();
  if (socket.state === "waiting") socket.connect();
});
$("try-now").addEventListener("click", () => socket.connect());

// The crash

$("crash").addEventListener("click", async () => {
  const before = process;
  const began = performance.now();
  socket.push(null, "connection", "crash", {}).catch(() => {}); // the answer to the next question says more
  $("crash").disabled = true;
  try {
    const { response } = await socket.push(null, "connection", "who", {});
    process = response;
    const took = duration(performance.now() - began);
    const outcome = `Crashed, back after ${took}: ${before?.pid ?? "the process"} is gone, ${process.pid} serves you.`;
    $("outcome").textContent = `${outcome} Your rooms noticed nothing.`;
    open.note(outcome);
  } catch (error) {
    $("outcome").textContent =
      error.reason === "timeout" ? "Crashed, and nothing has answered for ten seconds." : "Crashed once too often: the connection was closed.";
  }
  showState();
});

// Who I am

function askName() {
  $("name").value = name ?? "";
  fail("name", "");
  if (!$("name-dialog").open) $("name-dialog").showModal();
}

function isName(text) {
  return [...text].length <= LONGEST_NAME && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(text);
}

$("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = $("name").value.trim();
  if (!isName(wanted)) {
    $("name").focus();
    return fail("name", wanted ? `A name has at most ${LONGEST_NAME} characters, all of them visible.` : "A name has at least one character.");
  }
  name = wanted;
  remember("name", name);
  $("name-dialog").close();
  begin();
});
$("name-dialog").addEventListener("cancel", (event) => name || event.preventDefault());
$("rename").addEventListener("click", askName);

function begin() {
  $("my-name").textContent = name;
  avatar(name, $("my-avatar"));
  log.show(open.entries);
  if (socket.state === "closed") socket.connect();
  else for (const room of rooms.values()) room.channel.join(); // with the other name
  field.focus();
}

function fail(what, text) {
  $(`${what}-error`).textContent = text;
}

// Panels, which narrow screens show one at a time

function toggle(panel) {
  for (const [id, button] of [["rooms", "show-rooms"], ["details", "show-details"]]) {
    const isShown = id === panel && !$(id).classList.contains("shown");
    $(id).classList.toggle("shown", isShown);
    $(button).setAttribute("aria-expanded", String(isShown));
    if (isShown) $(id).querySelector("a, button, input")?.focus();
  }
  $("scrim").classList.toggle("shown", document.querySelector(".panel.shown") !== null);
}

$("show-rooms").addEventListener("click", () => toggle("rooms"));
$("show-details").addEventListener("click", () => toggle("details"));
$("scrim").addEventListener("click", () => toggle(null));
addEventListener("keydown", (event) => {
  const shown = document.querySelector(".panel.shown");
  if (event.key !== "Escape" || !shown) return;
  toggle(null);
  $(`show-${shown.id}`).focus();
});

$("open-room").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!openRoom($("room-name").value.trim().replace(/^#/, ""))) return;
  $("room-name").value = "";
  toggle(null);
  field.focus();
});
$("leave").addEventListener("click", leave);
addEventListener("hashchange", () => {
  openRoom(location.hash.slice(1) || FIRST_ROOMS[0]);
  toggle(null);
});

// The beginning

for (const id of new Set([...FIRST_ROOMS, ...rememberedRooms()])) add(id);
if (!openRoom(location.hash.slice(1) || remembered("open") || FIRST_ROOMS[0])) openRoom(FIRST_ROOMS[0]);
measure();
showState();
if (name && isName(name)) begin();
else askName();
