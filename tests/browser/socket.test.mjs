import assert from "node:assert/strict";
import test from "node:test";
import { ACK_TIMEOUT, backoff, CONNECT_TIMEOUT, HEARTBEAT_EVERY, Socket, World, settle } from "./world.mjs";

function connected() {
  const world = new World();
  const socket = new Socket("ws://here", world);
  const lost = [];
  socket.on("lost", (how) => lost.push(how));
  socket.connect();
  world.socket.accept();
  return { world, socket, lost };
}

test("the delay doubles from half a second, is spread over its upper half, and ends at fifteen seconds", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map((n) => backoff(n, 0)), [250, 500, 1000, 2000, 4000, 7500, 7500]);
  assert.equal(backoff(0, 0.5), 375);
  assert.ok(backoff(50, 0.999999) <= 15_000);
});

test("a push resolves with the reply to its ref, and measures the round trip", async () => {
  const { world, socket } = connected();
  const reply = socket.push("1", "room:a", "ping", { n: 1 });
  const sent = world.socket.last("ping");
  assert.deepEqual(sent, ["1", "1", "room:a", "ping", { n: 1 }]);
  await world.pass(7);
  world.socket.reply(sent, "ok", { n: 1 });
  assert.deepEqual(await reply, { status: "ok", response: { n: 1 } });
  assert.equal(socket.rtt, 7);
});

test("a reply to another ref, or to the same on another topic, settles nothing", async () => {
  const { world, socket } = connected();
  let settled = false;
  socket.push("1", "room:a", "ping", {}).then(() => (settled = true));
  world.socket.say("1", "99", "room:a", "phx_reply", { status: "ok", response: {} });
  world.socket.say("1", "1", "room:b", "phx_reply", { status: "ok", response: {} });
  await settle();
  assert.equal(settled, false);
  world.socket.reply(world.socket.last("ping"), "ok");
  await settle();
  assert.equal(settled, true);
});

test("a push without an answer is given up after the timeout, when the connection is lost, or at once offline", async () => {
  const { world, socket } = connected();
  const late = assert.rejects(socket.push(null, "t", "e", {}), { reason: "timeout" });
  await world.pass(ACK_TIMEOUT);
  await late;
  const cut = assert.rejects(socket.push(null, "t", "e", {}), { reason: "lost" });
  world.socket.drop();
  await cut;
  await assert.rejects(socket.push(null, "t", "e", {}), { reason: "offline" });
});

test("a heartbeat goes out thirty seconds after the last was answered", async () => {
  const { world } = connected();
  await world.pass(HEARTBEAT_EVERY - 1);
  assert.equal(world.socket.last("heartbeat"), undefined);
  await world.pass(1);
  world.socket.reply(world.socket.last("heartbeat"), "ok");
  await world.pass(HEARTBEAT_EVERY);
  assert.equal(world.socket.sent.filter((message) => message[3] === "heartbeat").length, 2);
});

test("a connection that does not answer a heartbeat is closed, and another is tried", async () => {
  const { world, socket, lost } = connected();
  await world.pass(HEARTBEAT_EVERY + ACK_TIMEOUT);
  assert.equal(world.sockets[0].closed, 1000);
  assert.deepEqual([lost[0].code, lost[0].reason], [1006, "heartbeat unanswered"]);
  await world.pass(lost[0].delay);
  assert.equal(world.sockets.length, 2);
  assert.equal(socket.state, "connecting");
});

test("it is tried again with growing delays until the server has said something", async () => {
  const { world, lost } = connected();
  for (let tries = 0; tries < 4; tries++) {
    world.socket.drop();
    await world.pass(lost.at(-1).delay);
    world.socket.accept(); // it accepts, and closes again without a word
  }
  assert.deepEqual(lost.map(({ delay }) => delay), [250, 500, 1000, 2000]);
  world.socket.say(null, null, "t", "e", {});
  world.socket.drop(1012);
  assert.deepEqual(lost.at(-1), { code: 1012, reason: "", delay: 250, attempt: 0 });
});

test("a connection that does not open in time is given up", async () => {
  const world = new World();
  const socket = new Socket("ws://here", world);
  socket.connect();
  await world.pass(CONNECT_TIMEOUT);
  assert.equal(socket.state, "waiting");
  assert.equal(world.sockets[0].onopen, null); // too late to open
});

test("who does not want to wait connects at once, and only once", async () => {
  const { world, socket } = connected();
  world.chance = 0.9;
  world.socket.drop();
  socket.connect();
  socket.connect();
  assert.equal(world.sockets.length, 2);
  world.socket.accept();
  await world.pass(10_000);
  assert.equal(world.sockets.length, 2);
});

test("a socket that is closed for good leaves no timer behind", async () => {
  const { world, socket } = connected();
  const unanswered = assert.rejects(socket.push(null, "t", "e", {}), { reason: "closed" });
  socket.close();
  await unanswered;
  assert.equal(world.pending, 0);
  assert.equal(socket.state, "closed");
});
