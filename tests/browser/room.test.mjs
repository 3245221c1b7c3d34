import assert from "node:assert/strict";
import test from "node:test";
import { Channel, Room, settle, Socket, World } from "./world.mjs";

const TOPIC = "room:tea";

function open() {
  const world = new World();
  const socket = new Socket("ws://here", world);
  let recovered = 0;
  const room = new Room("tea", () => "Ann", world, { changed: () => {}, recovered: () => (recovered += 1) });
  room.channel = new Channel(socket, TOPIC, () => ({ name: "Ann" }), room.channelHooks);
  socket.connect();
  const bodies = () => room.entries.map(({ body, state }) => (state === "sent" ? body : `${body}: ${state}`));
  return { world, socket, room, bodies, recovered: () => recovered };
}

/** Open the connection and the room; `history` is what the server sends right behind its reply. */
function join({ world }, history = [], head = history.length) {
  world.socket.accept();
  world.socket.reply(world.socket.last("phx_join"), "ok", { epoch: "e", offset: head, recovered: true });
  for (const [offset, payload] of history) hear(world, payload, offset);
  world.socket.say(null, null, TOPIC, "presence_state", {});
}

function hear(world, payload, offset) {
  world.socket.say(null, null, TOPIC, "new_msg", payload, { epoch: "e", offset });
}

async function comeBack(all, history, head) {
  all.world.socket.drop();
  await all.world.pass(15_000);
  join(all, history, head);
}

test("a message of our own is on its way until it comes back, and then stands where the server put it", () => {
  const all = open();
  join(all);
  all.room.say("mine");
  assert.deepEqual(all.bodies(), ["mine: sending"]);
  const { id } = all.world.socket.last("new_msg")[4];
  hear(all.world, { body: "theirs", from: "Bob", id: "b" }, 1);
  hear(all.world, { body: "mine", from: "Ann", id }, 2);
  assert.deepEqual(all.bodies(), ["theirs", "mine"]);
});

test("what is said offline waits, and is said once the room is back", async () => {
  const all = open();
  all.room.say("hello");
  assert.deepEqual(all.bodies(), ["hello: waiting"]);
  join(all);
  assert.deepEqual(all.bodies(), ["hello: sending"]);
  assert.equal(all.world.socket.last("new_msg")[4].body, "hello");
});

test("a message that the lost connection had delivered is not said twice", async () => {
  const all = open();
  join(all);
  all.room.say("once");
  const { id } = all.world.socket.last("new_msg")[4];
  await comeBack(all, [[1, { body: "once", from: "Ann", id }]]);
  assert.deepEqual(all.bodies(), ["once"]);
  assert.equal(all.world.socket.last("new_msg"), undefined);
});

test("a message that the lost connection had not delivered is said again with its id, which is shown once", async () => {
  const all = open();
  join(all);
  all.room.say("again");
  const { id } = all.world.socket.last("new_msg")[4];
  await comeBack(all, []);
  assert.equal(all.world.socket.last("new_msg")[4].id, id);
  hear(all.world, { body: "again", from: "Ann", id }, 1);
  hear(all.world, { body: "again", from: "Ann", id }, 2);
  assert.deepEqual(all.bodies(), ["again"]);
});

test("a message that somebody else had to say twice is shown once", () => {
  const all = open();
  join(all);
  for (const [from, offset] of [["Bob", 1], ["Bob", 2], ["Eve", 3]]) hear(all.world, { body: from, from, id: "b" }, offset);
  assert.deepEqual(all.bodies(), ["Bob", "Eve"]);
});

test("somebody else's message cannot pass for ours by its id", () => {
  const all = open();
  join(all);
  all.room.say("mine");
  const { id } = all.world.socket.last("new_msg")[4];
  hear(all.world, { body: "not yours", from: "Eve", id }, 1);
  assert.deepEqual(all.bodies(), ["mine: sending", "not yours"]);
});

test("a refused message says why, and can be sent again", async () => {
  const all = open();
  join(all);
  all.room.say("hasty");
  all.world.socket.reply(all.world.socket.last("new_msg"), "error", { reason: "rate limited" });
  await settle();
  const [entry] = all.room.entries;
  assert.deepEqual([entry.state, entry.reason], ["failed", "rate limited"]);
  all.room.send(entry);
  assert.equal(entry.state, "sending");
  hear(all.world, { body: "hasty", from: "Ann", id: entry.id }, 1);
  assert.deepEqual(all.bodies(), ["hasty"]);
});

test("a delivered message does not fail for want of a reply", async () => {
  const all = open();
  join(all);
  all.room.say("fine");
  hear(all.world, { body: "fine", from: "Ann", id: all.world.socket.last("new_msg")[4].id }, 1);
  await all.world.pass(20_000);
  assert.deepEqual(all.bodies(), ["fine"]);
});

test("a message that nobody confirms fails", async () => {
  const all = open();
  join(all);
  all.room.say("lost");
  await all.world.pass(10_000);
  assert.deepEqual(all.bodies(), ["lost: failed"]);
});

test("what is read on arrival is neither unread nor recovered, what was missed is both", async () => {
  const all = open();
  join(all, [[1, { body: "old", from: "Bob" }]]);
  assert.deepEqual([all.room.unread, all.recovered()], [0, 0]);
  await comeBack(all, [[2, { body: "missed", from: "Bob" }], [3, { body: "own, elsewhere", from: "Ann" }]], 3);
  assert.deepEqual([all.room.unread, all.recovered()], [1, 2]);
  assert.deepEqual(all.bodies(), ["old", "missed", "own, elsewhere"]);
});

test("typing is told every two seconds, and shown for four or until the message comes", async () => {
  const all = open();
  join(all);
  for (let key = 0; key < 6; key++) {
    all.room.type();
    await all.world.pass(500);
  }
  assert.equal(all.world.socket.sent.filter((message) => message[3] === "typing").length, 2);
  const typing = (name) => all.world.socket.say(null, null, TOPIC, "typing", { name });
  typing("Bob");
  typing("Ann"); // another device of ours
  assert.deepEqual([...all.room.typing.keys()], ["Bob"]);
  await all.world.pass(3_999);
  assert.equal(all.room.typing.size, 1);
  await all.world.pass(1);
  assert.equal(all.room.typing.size, 0);
  typing("Bob");
  hear(all.world, { body: "there", from: "Bob" }, 1);
  assert.equal(all.room.typing.size, 0);
});

test("whatever is in a message, it is text from somebody at some time", () => {
  const all = open();
  join(all);
  const odd = [{}, { body: 3, from: {}, at: "now" }, { body: null, from: null, at: 1e300 }, { body: ["x"], from: "", at: NaN }];
  odd.forEach((payload, n) => hear(all.world, payload, n + 1));
  for (const { body, from, at } of all.room.entries) {
    assert.deepEqual([body, from], ["", "someone"]);
    assert.ok(!Number.isNaN(new Date(at).getTime()));
  }
});

test("a room keeps its last five hundred entries", () => {
  const all = open();
  join(all);
  for (let n = 1; n <= 510; n++) hear(all.world, { body: String(n), from: "Bob" }, n);
  assert.equal(all.room.entries.length, 500);
  assert.equal(all.room.entries[0].body, "11");
});
