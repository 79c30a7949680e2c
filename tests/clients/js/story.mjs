// A story with threads, edits, reactions, receipts and spaces: each device on another worker.
// node story.mjs <prefix of names> <worker> <worker> <worker>
import assert from "node:assert/strict";

import { event, login, register, room, says, state, until } from "./people.mjs";

const [prefix, one, two, three] = process.argv.slice(2);

async function meet(romeo, juliet) {
    const { room_id: roomId } = await romeo.createRoom({
        name: "Balcony",
        invite: [juliet.getUserId()],
        preset: "private_chat",
    });
    await room(juliet, roomId, "invite");
    await juliet.joinRoom(roomId);
    const known = await room(juliet, roomId);
    await until(juliet, "the name", () => known.name === "Balcony");
    return roomId;
}

async function profiles([romeo, , juliet]) {
    await romeo.setExtendedProfileProperty("m.tz", "Europe/Rome");
    const found = await juliet.getExtendedProfile(romeo.getUserId());
    assert.equal(found["m.tz"], "Europe/Rome");
}

async function edits(all, roomId) {
    const [romeo] = all;
    const { event_id: eventId } = await romeo.sendTextMessage(roomId, "what lihgt");
    for (const each of all) {
        assert.equal((await event(each, roomId, eventId)).getContent().body, "what lihgt");
    }
    await romeo.sendMessage(roomId, {
        ...says("* what light"),
        "m.new_content": says("what light"),
        "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
    for (const each of all) {
        const seen = await event(each, roomId, eventId);
        await until(each, "the edit", () => seen.getContent().body === "what light");
        assert.ok(seen.replacingEvent());
    }
    return eventId;
}

async function reactions(all, roomId, eventId) {
    const [romeo, , juliet] = all;
    const react = (who, key) =>
        who.sendEvent(roomId, "m.reaction", {
            "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key },
        });
    await react(romeo, "🌹");
    const { event_id: second } = await react(juliet, "🌹");
    const counts = async (who) => {
        const { relations } = await room(who, roomId);
        return () =>
            relations
                .getChildEventsForEvent(eventId, "m.annotation", "m.reaction")
                ?.getSortedAnnotationsByKey()
                .map(([key, events]) => [key, events.size]);
    };
    for (const each of all) {
        const count = await counts(each);
        await until(each, "both roses", () => count()?.[0]?.[1] === 2);
        assert.deepEqual(count(), [["🌹", 2]]);
    }
    await juliet.redactEvent(roomId, second);
    for (const each of all) {
        const count = await counts(each);
        await until(each, "one rose", () => count()?.[0]?.[1] === 1);
    }
}

function heard(thread) {
    const replies = thread.events.filter((found) => found.getId() !== thread.id);
    return replies.map((found) => found.getContent().body).join("; ");
}

async function threads(all, roomId, rootId) {
    const [romeo, romeo2, juliet] = all;
    const texts = ["through yonder window", "breaks", "it is the east"];
    const answering = await room(juliet, roomId);
    answering.createThread(rootId, answering.findEventById(rootId), [], true); // as when it is opened
    // While a device opens a thread, the newest reply that the root names may get before older ones in
    // its timeline: the first reply opens it everywhere, the others come as they would to who looks on.
    await juliet.sendMessage(roomId, rootId, says(texts[0]));
    for (const each of all) {
        const known = await room(each, roomId);
        await until(each, "the thread", () => known.getThread(rootId)?.initialEventsFetched);
    }
    let last;
    for (const text of texts.slice(1)) {
        last = (await juliet.sendMessage(roomId, rootId, says(text))).event_id;
    }
    for (const each of all) {
        const thread = (await room(each, roomId)).getThread(rootId);
        // `length` adds what comes to what the server counted when it was asked, at any moment
        await until(each, "all replies in order", () => heard(thread) === texts.join("; "));
    }
    await readThread(romeo, romeo2, roomId, rootId, last);
    const listed = await romeo2.createThreadListMessagesRequest(roomId, null, 10);
    assert.deepEqual(listed.chunk.map((found) => found.event_id), [rootId]);
    const bundle = listed.chunk[0].unsigned["m.relations"];
    assert.equal(bundle["m.thread"].count, texts.length);
    assert.equal(bundle["m.thread"].latest_event.event_id, last);
}

/** A receipt of one device within the thread, which the other one hears of. */
async function readThread(romeo, romeo2, roomId, rootId, last) {
    const find = (who) => who.getRoom(roomId).getThread(rootId)?.findEventById(last);
    await romeo.sendReadReceipt(await until(romeo, "the reply", () => find(romeo)));
    const thread = romeo2.getRoom(roomId).getThread(rootId);
    await until(romeo2, "the receipt in the thread", () => {
        const receipt = thread.getReadReceiptForUserId(romeo.getUserId(), true);
        return receipt?.eventId === last && receipt.data.thread_id === rootId;
    });
}

async function receipts(all, roomId) {
    const [romeo, , juliet] = all;
    const { event_id: eventId } = await romeo.sendTextMessage(roomId, "good night");
    await juliet.sendReadReceipt(await event(juliet, roomId, eventId));
    for (const each of all.slice(0, 2)) {
        const known = await room(each, roomId);
        await until(each, "the receipt", () => known.hasUserReadEvent(juliet.getUserId(), eventId));
    }
    const { event_id: quiet } = await romeo.sendTextMessage(roomId, "good night, good night");
    await juliet.sendReadReceipt(await event(juliet, roomId, quiet), "m.read.private");
    const known = await room(juliet, roomId);
    await until(juliet, "its own private receipt", () =>
        known.hasUserReadEvent(juliet.getUserId(), quiet),
    );
    const { event_id: after } = await juliet.sendTextMessage(roomId, "parting is such sweet sorrow");
    await event(romeo, roomId, after); // what came before it is known now
    const shown = (await room(romeo, roomId)).getReceiptsForEvent(await event(romeo, roomId, quiet));
    assert.deepEqual(shown.filter((receipt) => receipt.userId === juliet.getUserId()), []);
}

async function spaces(all, roomId) {
    const [romeo, romeo2, juliet] = all;
    const { room_id: spaceId } = await romeo.createRoom({
        name: "Verona",
        preset: "public_chat",
        creation_content: { type: "m.space" },
    });
    await romeo.sendStateEvent(spaceId, "m.space.child", { via: ["firn.test"] }, roomId);
    await juliet.joinRoom(spaceId);
    const known = await room(juliet, spaceId);
    assert.ok(known.isSpaceRoom());
    await until(juliet, "the child", () => state(known, "m.space.child", roomId)?.via);
    for (const each of [romeo2, juliet]) {
        const { rooms } = await each.getRoomHierarchy(spaceId);
        assert.deepEqual(rooms.map((found) => found.name), ["Verona", "Balcony"]);
        assert.deepEqual(rooms[0].children_state.map((child) => child.state_key), [roomId]);
    }
}

/** A device that comes late knows it all, from what the server bundles and from pages. */
async function latecomer(roomId, editedId) {
    const late = await login(two, `${prefix}-juliet`);
    const known = await room(late, roomId);
    for (let page = 0; page < 20 && !known.findEventById(editedId); page += 1) {
        await late.scrollback(known, 5);
    }
    await known.createThreadsTimelineSets();
    await known.fetchRoomThreads(); // as when its list of threads is opened
    const edited = known.findEventById(editedId);
    assert.equal(edited.getContent().body, "what light");
    const thread = await until(late, "the thread", () => known.getThread(editedId));
    await until(late, "its replies", () => heard(thread) === "through yonder window; breaks; it is the east");
    return late;
}

const romeo = await register(one, `${prefix}-romeo`);
const juliet = await register(three, `${prefix}-juliet`);
const romeo2 = await login(two, `${prefix}-romeo`);
const all = [romeo, romeo2, juliet];
await profiles(all);
const roomId = await meet(romeo, juliet);
const editedId = await edits(all, roomId);
await reactions(all, roomId, editedId);
await threads(all, roomId, editedId);
await receipts(all, roomId);
await spaces(all, roomId);
const late = await latecomer(roomId, editedId);
for (const each of [...all, late]) each.stopClient();
console.log("the story is told");
process.exit(0); // connections that are kept alive would hold the process
