// Plays one of the official Node clients against a node: node suite.mjs <package> <connection string>. What is expected is what a real
// EventStoreDB 23.10.6 shows. Prints the name of every part that held, and ends with a non-zero status at the first that did not.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const [packageName, connectionString] = process.argv.slice(2);
const lib = createRequire(import.meta.url)(packageName);
const Client = lib.EventStoreDBClient ?? lib.KurrentDBClient;
const bridged = lib.KurrentDBClient !== undefined; // the newer client, which reads through a native library
const { ANY, BACKWARDS, END, FORWARDS, NO_STREAM, START, STREAM_EXISTS } = lib;
const client = Client.connectionString(connectionString);
const lenient = Client.connectionString(`${connectionString}&throwOnAppendFailure=false`);

const json = (type, data = {}, more = {}) => lib.jsonEvent({ type, data, ...more });
const expecting = (revision) => ({ expectedRevision: revision, streamState: revision }); // two names for one thing
const name = (s) => `${s}-${randomUUID()}`;
const all = async (events) => {
  const list = [];
  for await (const e of events) list.push(e);
  return list;
};
const types = async (events) => (await all(events)).map((e) => e.event?.type ?? null);
const read = (stream, options = {}) => client.readStream(stream, { direction: FORWARDS, fromRevision: START, ...options });
const refused = (promise, kind, check = () => {}) =>
  assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, `${e.constructor.name}: ${e.message}, not ${kind.name}`);
    check(e);
    return true;
  });
// Takes events of a subscription until so many have come, then ends it.
const take = async (subscription, count) => {
  const list = [];
  if (count === 0) return list;
  for await (const e of subscription) {
    list.push(e);
    if (list.length === count) break;
  }
  await subscription.unsubscribe();
  return list;
};

const parts = {
  async "append and read both ways"() {
    const s = name("s");
    const id = randomUUID();
    const meta = { $correlationId: "c", who: "wir" };
    const first = await client.appendToStream(s, [json("a", { n: 1 }, { id, metadata: meta }), json("b", { n: 2 })], expecting(NO_STREAM));
    assert.equal(first.success, true);
    assert.equal(first.nextExpectedRevision, 1n);
    assert.equal(first.position.commit, first.position.prepare);
    const bytes = Uint8Array.from([0, 1, 254, 255]);
    const second = await client.appendToStream(s, lib.binaryEvent({ type: "bin", data: bytes, metadata: bytes }), expecting(1n));
    assert.equal(second.nextExpectedRevision, 2n);
    assert.ok(second.position.commit > first.position.commit);
    const events = (await all(read(s))).map((e) => e.event);
    assert.deepEqual(events.map((e) => e.type), ["a", "b", "bin"]);
    assert.deepEqual(events.map((e) => e.revision), [0n, 1n, 2n]);
    assert.deepEqual([events[0].id, events[0].streamId, events[0].isJson, events[0].data, events[0].metadata], [id, s, true, { n: 1 }, meta]);
    assert.equal(events[2].isJson, false);
    assert.deepEqual([...events[2].data], [...bytes]);
    assert.deepEqual([...events[2].metadata], [...bytes]);
    assert.ok(Math.abs(events[0].created - new Date()) < 60_000, `created ${events[0].created}`);
    assert.deepEqual(await types(read(s, { fromRevision: 1n, maxCount: 1 })), ["b"]);
    assert.deepEqual(await types(read(s, { fromRevision: 3n })), []);
    assert.deepEqual(await types(read(s, { direction: BACKWARDS, fromRevision: END })), ["bin", "b", "a"]);
    assert.deepEqual(await types(read(s, { direction: BACKWARDS, fromRevision: 1n })), ["b", "a"]);
    assert.deepEqual(await types(read(s, { direction: BACKWARDS, fromRevision: 9n, maxCount: 1 })), ["bin"]);
    await refused(all(read(name("absent"))), lib.StreamNotFoundError);
  },

  async "many events, more than a page"() {
    const s = name("s");
    for (let i = 0; i < 6; i++) await client.appendToStream(s, Array.from({ length: 100 }, (_, j) => json(`t${i * 100 + j}`)));
    const want = Array.from({ length: 600 }, (_, i) => `t${i}`);
    assert.deepEqual(await types(read(s)), want);
    assert.deepEqual(await types(read(s, { direction: BACKWARDS, fromRevision: END })), want.toReversed());
  },

  async "expected revisions and repeats"() {
    const s = name("s");
    const event = json("a");
    const first = await client.appendToStream(s, event, expecting(NO_STREAM));
    for (const expectedRevision of [NO_STREAM, ANY, STREAM_EXISTS]) {
      const again = await client.appendToStream(s, event, expecting(expectedRevision));
      assert.deepEqual([again.nextExpectedRevision, again.position], [first.nextExpectedRevision, first.position]);
    }
    for (const [expectedRevision, stream] of [[NO_STREAM, s], [5n, s], [STREAM_EXISTS, name("absent")], [0n, name("absent")]]) {
      await refused(client.appendToStream(stream, json("b"), expecting(expectedRevision)), lib.WrongExpectedVersionError, (e) => {
        assert.equal(e.streamName, stream);
        assert.equal(e.expectedVersion ?? e.expectedState, expectedRevision); // two names for one thing
        assert.equal(e.actualVersion ?? e.actualState, stream === s ? 0n : NO_STREAM);
      });
    }
    const soft = await lenient.appendToStream(s, json("b"), expecting(7n));
    assert.deepEqual([soft.success, soft.nextExpectedRevision], [false, 0n]);
    assert.deepEqual(await types(read(s)), ["a"]);
    // Of many writers that expect the same, one wins.
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => client.appendToStream(s, json("race"), expecting(0n))));
    assert.equal(results.filter((r) => r.status === "fulfilled").length, 1);
    assert.deepEqual(await types(read(s)), ["a", "race"]);
  },

  async "appends too big"() {
    const s = name("s");
    await refused(client.appendToStream(s, json("big", { text: "x".repeat(1_100_000) })), lib.MaxAppendSizeExceededError, (e) =>
      assert.equal(e.maxAppendSize, 1_048_576));
    await refused(all(read(s)), lib.StreamNotFoundError);
    await client.appendToStream(s, json("large", { text: "x".repeat(1_000_000) }));
    assert.equal((await all(read(s)))[0].event.data.text.length, 1_000_000);
  },

  async "soft delete"() {
    const s = name("s");
    await client.appendToStream(s, [json("a"), json("b")]);
    await refused(client.deleteStream(s, expecting(5n)), lib.WrongExpectedVersionError);
    const deleted = await client.deleteStream(s, expecting(1n));
    assert.ok(deleted.position.commit > 0n);
    await refused(all(read(s)), lib.StreamNotFoundError);
    await refused(client.appendToStream(s, json("c"), expecting(STREAM_EXISTS)), lib.StreamDeletedError);
    const back = await client.appendToStream(s, json("c"), expecting(NO_STREAM));
    assert.equal(back.nextExpectedRevision, 2n);
    assert.deepEqual(await types(read(s)), ["c"]);
    assert.equal((await client.getStreamMetadata(s)).metadata.truncateBefore, 2);
    await refused(client.deleteStream(name("absent")), lib.WrongExpectedVersionError);
  },

  async "tombstone"() {
    const s = name("s");
    await client.appendToStream(s, json("a"));
    const subscription = client.subscribeToStream(s, { fromRevision: START });
    const seen = [];
    const ended = new Promise((resolve) => subscription.on("error", resolve));
    subscription.on("data", (e) => seen.push(e.event.type));
    const appeared = new Promise((resolve) => subscription.once("data", resolve));
    await appeared;
    await client.tombstoneStream(s, expecting(0n));
    assert.ok((await ended) instanceof lib.StreamDeletedError);
    assert.deepEqual(seen, ["a", "$streamDeleted"]);
    const deleted = (e) => assert.equal(e.streamName, s);
    await refused(all(read(s)), lib.StreamDeletedError, deleted);
    await refused(client.appendToStream(s, json("b")), lib.StreamDeletedError, deleted);
    await refused(client.tombstoneStream(s), lib.StreamDeletedError, deleted);
    await refused(client.deleteStream(s), lib.StreamDeletedError, deleted);
    const never = name("never");
    await client.tombstoneStream(never, expecting(NO_STREAM));
    await refused(all(read(never)), lib.StreamDeletedError);
  },

  async "metadata"() {
    const s = name("s");
    const none = await client.getStreamMetadata(s);
    assert.equal(none.metadata, undefined);
    await client.appendToStream(s, [json("a"), json("b"), json("c"), json("d")]);
    const set = await client.setStreamMetadata(s, { maxCount: 2, owner: "us" }, expecting(NO_STREAM));
    assert.equal(set.nextExpectedRevision, 0n);
    const got = await client.getStreamMetadata(s); // both clients call the position a revision
    assert.deepEqual([got.metadata.maxCount, got.metadata.owner, got.metastreamRevision], [2, "us", set.position.commit]);
    assert.deepEqual(await types(read(s)), ["c", "d"]);
    await refused(client.setStreamMetadata(s, { maxCount: 3 }, expecting(NO_STREAM)), lib.WrongExpectedVersionError);
    await client.setStreamMetadata(s, { truncateBefore: 3 });
    assert.deepEqual(await types(read(s)), ["d"]);
    await client.setStreamMetadata(s, { maxAge: 3600 });
    assert.deepEqual(await types(read(s)), ["a", "b", "c", "d"]);
  },

  async "links"() {
    const s = name("s");
    const links = name("links");
    await client.appendToStream(s, [json("a"), json("b")]);
    const link = (data) => lib.binaryEvent({ type: "$>", data: Buffer.from(data) });
    await client.appendToStream(links, [link(`1@${s}`), link(`7@${s}`)]);
    const plain = await all(read(links));
    assert.deepEqual(plain.map((e) => [e.event.type, e.link]), [["$>", undefined], ["$>", undefined]]);
    const followed = await all(read(links, { resolveLinkTos: true }));
    assert.deepEqual(followed.map((e) => [e.event?.type, e.link.type, e.link.revision]), [["b", "$>", 0n], [undefined, "$>", 1n]]);
  },

  async "$all both ways, and from a position"() {
    const s = name("s");
    const mine = async (options) => (await all(client.readAll(options))).filter((e) => e.event?.streamId === s);
    await client.appendToStream(s, [json("a"), json("b"), json("c")]);
    const forwards = await mine({ direction: FORWARDS, fromPosition: START });
    assert.deepEqual(forwards.map((e) => e.event.type), ["a", "b", "c"]);
    const backwards = await mine({ direction: BACKWARDS, fromPosition: END });
    assert.deepEqual(backwards.map((e) => e.event.type), ["c", "b", "a"]);
    const { position } = forwards[1].event;
    assert.deepEqual((await mine({ direction: FORWARDS, fromPosition: position })).map((e) => e.event.type), ["b", "c"]);
    assert.deepEqual((await mine({ direction: BACKWARDS, fromPosition: position })).map((e) => e.event.type), ["a"]);
    if (!bridged) assert.deepEqual(await all(client.readAll({ direction: FORWARDS, fromPosition: END })), []); // the other one asks backwards then
    assert.equal((await all(client.readAll({ direction: FORWARDS, fromPosition: START, maxCount: 2 }))).length, 2);
    if (!bridged) return; // the older client's reads take no filter
    for (const filter of [lib.streamNameFilter({ prefixes: [s] }), lib.streamNameFilter({ regex: `^${s}$` }), lib.eventTypeFilter({ regex: "^(?!\\$)" })]) {
      assert.deepEqual((await mine({ direction: FORWARDS, fromPosition: START, filter })).map((e) => e.event.type), ["a", "b", "c"]);
    }
    const onlyB = await mine({ direction: FORWARDS, fromPosition: START, filter: lib.eventTypeFilter({ prefixes: ["b"] }) });
    assert.deepEqual(onlyB.map((e) => e.event.type), ["b"]);
  },

  async "subscription to a stream"() {
    const s = name("s");
    const early = client.subscribeToStream(s, { fromRevision: START }); // of a stream that is not there yet
    const live = client.subscribeToStream(s, { fromRevision: END });
    await Promise.all([early, live].map((sub) => new Promise((resolve) => sub.once("confirmation", resolve))));
    await client.appendToStream(s, [json("a"), json("b")]);
    assert.deepEqual((await take(early, 2)).map((e) => e.event.type), ["a", "b"]);
    assert.deepEqual((await take(live, 2)).map((e) => e.event.type), ["a", "b"]);
    const after = client.subscribeToStream(s, { fromRevision: 0n });
    const caughtUp = new Promise((resolve) => after.once("caughtUp", resolve));
    const got = take(after, 2);
    await caughtUp; // before anything more is appended, or the subscription may be over before it is caught up
    await client.appendToStream(s, json("c"));
    assert.deepEqual((await got).map((e) => [e.event.type, e.event.revision]), [["b", 1n], ["c", 2n]]);
  },

  async "subscription to $all with filter and checkpoints"() {
    const s = name("s");
    for (let i = 0; i < 5; i++) await client.appendToStream(s, Array.from({ length: 20 }, (_, j) => json(j % 10 === 0 ? "yes" : "no", { n: i * 20 + j })));
    const checkpoints = [];
    const filter = (type) =>
      lib.eventTypeFilter({ prefixes: [type], maxSearchWindow: 8, checkpointInterval: 2, checkpointReached: async (_, position) => void checkpoints.push(position) });
    const first = client.subscribeToAll({ fromPosition: START, filter: filter("yes") });
    const events = await take(first, 10);
    assert.deepEqual(events.map((e) => e.event.data.n), Array.from({ length: 10 }, (_, i) => i * 10));
    const positions = events.map((e) => e.event.position.commit);
    assert.deepEqual(positions, positions.toSorted((a, b) => Number(a - b)));
    assert.ok(checkpoints.length >= 3, `${checkpoints.length} checkpoints`);
    for (let i = 1; i < checkpoints.length; i++) assert.ok(checkpoints[i].commit > checkpoints[i - 1].commit, "a checkpoint goes back");
    // Going on from a checkpoint misses no match and repeats none.
    const at = checkpoints[2];
    const left = events.filter((e) => e.event.position.commit > at.commit).map((e) => e.event.id);
    const resumed = await take(client.subscribeToAll({ fromPosition: at, filter: filter("yes") }), left.length);
    assert.deepEqual(resumed.map((e) => e.event.id), left);
    // From the end: only what comes later.
    const live = client.subscribeToAll({ fromPosition: END, filter: lib.streamNameFilter({ prefixes: [s] }) });
    await new Promise((resolve) => live.once("confirmation", resolve));
    await client.appendToStream(s, json("later"));
    assert.deepEqual((await take(live, 1)).map((e) => e.event.type), ["later"]);
    const system = client.subscribeToAll({ fromPosition: START, filter: lib.excludeSystemEvents() });
    assert.ok((await take(system, 50)).every((e) => !e.event.type.startsWith("$")));
  },

  async "a subscriber that reads slowly loses nothing"() {
    const s = name("s");
    const subscription = client.subscribeToStream(s, { fromRevision: START });
    const text = "x".repeat(20_000);
    for (let i = 0; i < 20; i++) await client.appendToStream(s, Array.from({ length: 20 }, (_, j) => json(`t${i * 20 + j}`, { text })));
    assert.deepEqual((await take(subscription, 400)).map((e) => e.event.type), Array.from({ length: 400 }, (_, i) => `t${i}`));
  },

  async "what is not spoken is said clearly"() {
    const unimplemented = (e) => assert.match(e.message, /UNIMPLEMENTED|[Uu]nimplemented|not supported/);
    await refused(client.createPersistentSubscriptionToStream(name("s"), "g", lib.persistentSubscriptionToStreamSettingsFromDefaults()), Error, unimplemented);
    await refused(client.listProjections(), Error, unimplemented);
  },
};

let failed = false;
for (const [part, play] of Object.entries(parts)) {
  try {
    await Promise.race([play(), new Promise((_, reject) => setTimeout(() => reject(new Error("no answer within 20 s")), 20_000).unref())]);
    console.log(`held: ${part}`);
  } catch (e) {
    failed = true;
    console.log(`FAILED: ${part}: ${e.stack}`);
  }
}
await Promise.all([client.dispose(), lenient.dispose()]);
process.exit(failed ? 1 : 0);
