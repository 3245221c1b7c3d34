import assert from "node:assert/strict";
import test from "node:test";
import { Channel, fromState, Socket, withDiff, World } from "./world.mjs";

const TOPIC = "room:tea";

function joining(params = { name: "Ann" }) {
  const world = new World();
  const socket = new Socket("ws://here", world);
  const heard = [];
  const channel = new Channel(socket, TOPIC, () => params, {
    state: (state, detail) => heard.push(detail === null ? state : [state, detail]),
    message: (_event, payload, isRecovered) => heard.push(isRecovered ? ["recovered", payload] : payload),
    presence: (presences) => heard.push(Object.fromEntries(presences)),
    gap: () => heard.push("gap"),
  });
  socket.connect();
  world.socket.accept();
  heard.length = 0;
  return { world, socket, channel, heard };
}

function joined(response = { epoch: "e", offset: 0, recovered: true }) {
  const all = joining();
  answer(all.world, response);
  all.world.socket.say(null, null, TOPIC, "presence_state", {});
  all.heard.length = 0;
  return all;
}

function answer(world, response) {
  world.socket.reply(world.socket.last("phx_join"), "ok", response);
}

function say(world, offset, epoch = "e") {
  world.socket.say(null, null, TOPIC, "new_msg", offset, { epoch, offset });
}

async function again(world) {
  world.socket.drop();
  await world.pass(20_000 - 9_000);
  world.socket.accept();
  return world.socket.last("phx_join")[4].recover;
}

test("a newcomer asks for the last messages, who comes back for those behind the last it saw", async () => {
  const { world } = joined();
  assert.deepEqual(world.socket.last("phx_join").slice(2), [TOPIC, "phx_join", { name: "Ann", recover: { last: 50 } }]);
  say(world, 1);
  say(world, 2);
  assert.deepEqual(await again(world), { epoch: "e", offset: 2 });
});

test("what comes again is let through once", async () => {
  const { world, heard } = joined();
  say(world, 1);
  say(world, 2);
  await again(world);
  answer(world, { epoch: "e", offset: 4, recovered: true });
  heard.length = 0;
  for (const offset of [1, 2, 3, 4, 4, 5]) say(world, offset);
  assert.deepEqual(heard, [["recovered", 3], ["recovered", 4], 5]);
});

test("a connection that breaks among the missed messages loses none of them", async () => {
  const { world, channel } = joined();
  say(world, 1);
  await again(world);
  answer(world, { epoch: "e", offset: 9, recovered: true });
  assert.deepEqual(channel.position, { epoch: "e", offset: 1 });
  say(world, 2);
  assert.deepEqual(await again(world), { epoch: "e", offset: 2 });
});

test("once all missed messages have come, the position is the one that the join told", async () => {
  const { world, channel } = joined({ epoch: "e", offset: 7, recovered: true }); // all seven are too old
  assert.deepEqual(channel.position, { epoch: "e", offset: 7 });
  assert.deepEqual(await again(world), { epoch: "e", offset: 7 });
});

test("a message that is said before the presences come does not take the position back", () => {
  const { world, channel } = joining();
  answer(world, { epoch: "e", offset: 0, recovered: true });
  say(world, 1);
  world.socket.say(null, null, TOPIC, "presence_state", {});
  assert.deepEqual(channel.position, { epoch: "e", offset: 1 });
});

test("what cannot be recovered is told, and the numbering goes on in its new epoch", async () => {
  const { world, heard } = joined();
  say(world, 9);
  await again(world);
  heard.length = 0;
  answer(world, { epoch: "f", offset: 3, recovered: false });
  say(world, 3, "f");
  say(world, 4, "f");
  assert.deepEqual(heard, ["gap", "joined", 4]);
});

test("a server without a history is joined all the same", async () => {
  const { world, heard, channel } = joining();
  answer(world, {});
  world.socket.say(null, null, TOPIC, "new_msg", "hello");
  assert.deepEqual(heard, ["joined", "hello"]);
  assert.equal(channel.position, null);
});

test("a channel that crashed is joined again, later each time it fails", async () => {
  const { world, heard } = joined();
  const joins = () => world.socket.sent.filter((message) => message[3] === "phx_join").length;
  const [ref] = world.socket.last("phx_join");
  world.socket.say(ref, ref, TOPIC, "phx_error", { reason: "channel_crash" });
  assert.deepEqual(heard, ["lost"]);
  await world.pass(250);
  assert.equal(joins(), 2);
  world.socket.reply(world.socket.last("phx_join"), "error", { reason: "join crashed" });
  await world.pass(499);
  assert.equal(joins(), 2);
  await world.pass(1);
  assert.equal(joins(), 3);
  answer(world, { epoch: "e", offset: 0, recovered: true });
  const [again] = world.socket.last("phx_join");
  world.socket.say(again, again, TOPIC, "phx_error", { reason: "channel_crash" });
  await world.pass(250); // it had been well meanwhile
  assert.equal(joins(), 4);
});

test("a refusal is told and not asked for again", async () => {
  const { world, heard } = joining();
  world.socket.reply(world.socket.last("phx_join"), "error", { reason: "invalid name" });
  await world.pass(20_000);
  assert.deepEqual(heard, [["refused", { reason: "invalid name" }]]);
  assert.equal(world.socket.sent.filter((message) => message[3] === "phx_join").length, 1);
});

test("what belongs to an earlier join, or to another topic, is not heard", () => {
  const { world, channel, heard } = joined();
  const [old] = world.socket.last("phx_join");
  channel.join();
  answer(world, { epoch: "e", offset: 0, recovered: true });
  heard.length = 0;
  world.socket.say(old, old, TOPIC, "phx_close", {});
  world.socket.say(old, null, TOPIC, "new_msg", "old");
  world.socket.say(null, null, "room:coffee", "new_msg", "other");
  assert.deepEqual(heard, []);
  assert.equal(channel.state, "joined");
});

test("a channel that was left stays left when the socket comes back", async () => {
  const { world, channel } = joined();
  channel.leave();
  assert.equal(world.socket.last("phx_leave")[2], TOPIC);
  assert.equal(await again(world).catch(() => undefined), undefined);
  assert.equal(world.socket.last("phx_join"), undefined);
});

test("presence follows state and diffs, and keeps diffs that come before the state", () => {
  const { world, channel, heard } = joining();
  answer(world, { epoch: "e", offset: 0, recovered: true });
  heard.length = 0;
  const bob = { bob: { metas: [{ phx_ref: "2" }] } };
  world.socket.say(null, null, TOPIC, "presence_diff", { joins: bob, leaves: {} });
  assert.deepEqual(heard, []);
  world.socket.say(null, null, TOPIC, "presence_state", { ann: { metas: [{ phx_ref: "1" }] } });
  assert.deepEqual([...channel.presences.keys()], ["ann", "bob"]);
  world.socket.say(null, null, TOPIC, "presence_diff", { joins: {}, leaves: bob });
  assert.deepEqual([...channel.presences.keys()], ["ann"]);
});

test("devices of one name are told apart by their phx_ref", () => {
  const meta = (...refs) => ({ metas: refs.map((phx_ref) => ({ phx_ref })) });
  const refs = (presences) => Object.fromEntries([...presences].map(([name, metas]) => [name, metas.map((one) => one.phx_ref)]));
  let presences = fromState({ ann: meta("1") });
  presences = withDiff(presences, { joins: { ann: meta("2") }, leaves: {} });
  assert.deepEqual(refs(presences), { ann: ["1", "2"] });
  presences = withDiff(presences, { joins: { ann: meta("2") }, leaves: {} }); // once more
  assert.deepEqual(refs(presences), { ann: ["1", "2"] });
  presences = withDiff(presences, { joins: { ann: meta("3") }, leaves: { ann: meta("1") } }); // an update
  assert.deepEqual(refs(presences), { ann: ["2", "3"] });
  presences = withDiff(presences, { joins: {}, leaves: { ann: meta("2", "3"), bob: meta("9") } });
  assert.deepEqual(refs(presences), {});
});
