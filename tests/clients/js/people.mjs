// Devices on matrix-js-sdk, and waiting for what they come to know.
import { EventTimeline, createClient } from "matrix-js-sdk";

const PASSWORD = "a quiet harbour at dusk";
const PATIENCE_MS = 40_000;

const quiet = { getChild: () => quiet };
for (const level of ["trace", "debug", "info", "warn", "error"]) quiet[level] = () => {};

async function started(baseUrl, session) {
    const client = createClient({
        baseUrl,
        logger: quiet,
        userId: session.user_id,
        deviceId: session.device_id,
        accessToken: session.access_token,
        timelineSupport: true,
    });
    await client.startClient({ threadSupport: true, lazyLoadMembers: true, initialSyncLimit: 20 });
    await until(client, "its first sync", () => client.isInitialSyncComplete());
    return client;
}

/** The first device of a new user, which syncs. */
export async function register(baseUrl, username) {
    const auth = { type: "m.login.dummy" };
    const session = await createClient({ baseUrl }).registerRequest({ username, password: PASSWORD, auth });
    return started(baseUrl, session);
}

/** A further device, which syncs. */
export async function login(baseUrl, user) {
    const identifier = { type: "m.id.user", user };
    const asked = { type: "m.login.password", identifier, password: PASSWORD };
    return started(baseUrl, await createClient({ baseUrl }).loginRequest(asked));
}

/** Wait until `find` gives something, looking again whenever the device has heard anything. */
export async function until(client, what, find) {
    let found = find();
    if (found) return found;
    return new Promise((resolve, reject) => {
        const events = ["sync", "Room.timeline", "Room.receipt", "Room.redaction", "event"];
        const late = setTimeout(() => end(() => reject(new Error(`${client.getUserId()} ${client.getDeviceId()} never saw ${what}`))), PATIENCE_MS);
        const end = (settle) => {
            clearTimeout(late);
            for (const event of events) client.off(event, look);
            settle();
        };
        // what listens to the same event may come later: look when all have heard it
        const look = () => setImmediate(() => {
            try {
                found = find();
                if (found) end(() => resolve(found));
            } catch (error) {
                end(() => reject(error));
            }
        });
        for (const event of events) client.on(event, look);
    });
}

/** The room as a device knows it, once it does. */
export function room(client, roomId, membership = "join") {
    return until(client, `itself as ${membership} in ${roomId}`, () => {
        const found = client.getRoom(roomId);
        return found?.getMyMembership() === membership && found;
    });
}

/** An event, once the device has it in a timeline. */
export async function event(client, roomId, eventId) {
    const known = await room(client, roomId);
    return until(client, eventId, () => known.findEventById(eventId));
}

/** The state of a room as a device knows it. */
export function state(known, type, key = "") {
    return known.getLiveTimeline().getState(EventTimeline.FORWARDS).getStateEvents(type, key)?.getContent();
}

export function says(body) {
    return { msgtype: "m.text", body };
}
