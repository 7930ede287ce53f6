/** The one WebSocket of the tab: what its users want of it, kept over every loss of it. */

import { get } from "../api/client";
import { findSession } from "../session";
import { type CameraState, type Frame, type LiveEvent, type Message, type Picture, readPicture } from "./messages";

/** Whether what is shown is of now; `retryAt` is on this machine's clock, in ms. */
export type Link = { status: "connecting" } | { status: "open" } | { status: "lost"; since: number; retryAt: number };

/** How pictures of a camera are wanted; of several users everyone gets the most that one wants. */
export interface PictureWish {
  fps: number;
  width: number;
}

type Told<T> = (value: T) => void;

const LONGEST_WAIT = 15_000;
/** A network that is gone tells nobody: who hears nothing asks, and gives up when nothing comes. */
const ASK_AFTER = 5_000;
const GIVE_UP_AFTER = 15_000;
const ACCESS_ENDED = 4401;

const events = new Set<Told<LiveEvent>>();
const stateUsers = new Set<() => void>();
const linkUsers = new Set<() => void>();
const reconnectUsers = new Set<() => void>();
const tracks = new Map<string, Set<Told<Frame>>>();
const pictures = new Map<string, Set<{ wish: PictureWish; told: Told<Picture> }>>();

let states: ReadonlyMap<string, CameraState> = new Map();
let link: Link = { status: "connecting" };
let socket: WebSocket | null = null;
let running = false;
let attempts = 0;
let ahead = 0;
let lastEvent: string | null = null;
let heard = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let pulse: ReturnType<typeof setInterval> | undefined;
let planned = false;
/** What the service was asked for, by topic; pictures with their options. */
let asked = new Map<string, string>();

/** Connect, and stay so until `stop`. */
export function start(): void {
  if (running) return;
  running = true;
  change({ status: "connecting" });
  // Events that happen while the very first connection is lost are missed otherwise.
  get("/v1/events", { query: { limit: 1 } }).then(
    (page) => noteEvent(page.items[0]?.id ?? null),
    () => undefined,
  );
  connect();
  pulse = setInterval(feelPulse, 1_000);
}

/** End the connection and forget what came over it. */
export function stop(): void {
  running = false;
  clearTimeout(retry);
  clearInterval(pulse);
  drop();
  attempts = 0;
  lastEvent = null;
  states = new Map();
  tell(stateUsers);
}

/** The service's time, in ms; its clock may differ from this machine's. */
export function now(): number {
  return Date.now() + ahead;
}

export function currentLink(): Link {
  return link;
}

export function currentStates(): ReadonlyMap<string, CameraState> {
  return states;
}

/** Everything that follows returns what ends it. */
export type End = () => void;

export function onLink(told: () => void): End {
  return join(linkUsers, told);
}

/** Told when a connection stands again that was lost: lists have to be asked for anew. */
export function onReconnect(told: () => void): End {
  return join(reconnectUsers, told);
}

export function onStates(told: () => void): End {
  return join(stateUsers, told);
}

export function onEvent(told: Told<LiveEvent>): End {
  return join(events, told);
}

export function onTracks(stream: string, told: Told<Frame>): End {
  return joinTopic(tracks, stream, told);
}

export function onPictures(stream: string, wish: PictureWish, told: Told<Picture>): End {
  return joinTopic(pictures, stream, { wish, told });
}

/** An event that is known from elsewhere: the next connection goes on behind the newest. */
export function noteEvent(id: string | null): void {
  if (id !== null && (lastEvent === null || id > lastEvent)) lastEvent = id;
}

function join<T>(users: Set<T>, user: T): End {
  users.add(user);
  return () => void users.delete(user);
}

function joinTopic<T>(topics: Map<string, Set<T>>, stream: string, user: T): End {
  const users = topics.get(stream) ?? new Set<T>();
  topics.set(stream, users);
  users.add(user);
  plan();
  return () => {
    users.delete(user);
    // Others may have begun a set of their own since.
    if (users.size === 0 && topics.get(stream) === users) topics.delete(stream);
    plan();
  };
}

function connect(): void {
  clearTimeout(retry);
  const address = new URL("/v1/live", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("topics", "events,states");
  if (lastEvent !== null) address.searchParams.set("since", lastEvent);
  const mine = new WebSocket(address);
  socket = mine;
  mine.binaryType = "arraybuffer";
  heard = performance.now();
  let stood = false;
  mine.onopen = () => {
    const again = link.status === "lost";
    stood = true;
    attempts = 0;
    asked = new Map();
    change({ status: "open" });
    plan();
    if (again) tell(reconnectUsers);
  };
  mine.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    heard = performance.now();
    if (typeof data === "string") hear(JSON.parse(data) as Message);
    else see(readPicture(data));
  };
  mine.onclose = ({ code }) => {
    if (socket !== mine) return;
    socket = null;
    // What the key allows now may be other cameras, or nothing any more.
    if (code === ACCESS_ENDED) states = new Map();
    // Neither says why it ended: a request does, and ends the session where that is it.
    if (code === ACCESS_ENDED || !stood) findSession().catch(() => undefined);
    lose();
  };
}

/** Try again after 0, 1, 2, 4 … seconds. */
function lose(): void {
  if (!running) return;
  const wait = attempts === 0 ? 0 : Math.min(1_000 * 2 ** (attempts - 1), LONGEST_WAIT);
  attempts += 1;
  const since = link.status === "lost" ? link.since : Date.now();
  change({ status: "lost", since, retryAt: Date.now() + wait });
  clearTimeout(retry);
  retry = setTimeout(connect, wait);
}

/** Leave a socket without waiting for its end, which a dead network never tells. */
function drop(): void {
  const old = socket;
  socket = null;
  asked = new Map();
  old?.close();
}

function feelPulse(): void {
  if (socket === null) return;
  const silence = performance.now() - heard;
  if (silence > GIVE_UP_AFTER) {
    drop();
    lose();
  } else if (silence > ASK_AFTER && socket.readyState === WebSocket.OPEN) {
    // Changes nothing, and is answered.
    say({ type: "unsubscribe", topics: ["tracks:0"] });
  }
}

addEventListener("online", () => {
  if (running && socket === null) connect();
});
document.addEventListener("visibilitychange", plan);

function hear(message: Message): void {
  switch (message.type) {
    case "event":
      noteEvent(message.id);
      for (const told of [...events]) told(message);
      break;
    case "state":
      ahead = Date.parse(message.now) - Date.now();
      states = new Map(states).set(message.stream, message);
      tell(stateUsers);
      plan();
      break;
    case "removed": {
      const left = new Map(states);
      left.delete(message.stream);
      states = left;
      for (const kind of ["tracks", "pictures"]) asked.delete(`${kind}:${message.stream}`);
      tell(stateUsers);
      break;
    }
    case "tracks":
      for (const told of [...(tracks.get(message.stream) ?? [])]) told(message);
      break;
    default:
  }
}

function see(picture: Picture): void {
  for (const { told } of [...(pictures.get(picture.frame.stream) ?? [])]) told(picture);
}

/** Ask for what is wanted once the current work is done: many users come and go together. */
function plan(): void {
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    settle();
  });
}

function settle(): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const wanted = new Map<string, string>();
  for (const stream of tracks.keys()) wanted.set(`tracks:${stream}`, "");
  // Nobody looks at a page that is not visible.
  for (const [stream, users] of document.hidden ? [] : pictures) {
    if (!states.has(stream)) continue;
    const wishes = [...users].map(({ wish }) => wish);
    const most = (part: keyof PictureWish) => Math.max(...wishes.map((wish) => wish[part]));
    wanted.set(`pictures:${stream}`, JSON.stringify({ fps: most("fps"), width: most("width"), boxes: false }));
  }
  const unwanted = [...asked.keys()].filter((topic) => !wanted.has(topic));
  if (unwanted.length > 0) say({ type: "unsubscribe", topics: unwanted });
  for (const [topic, options] of wanted) {
    if (asked.get(topic) === options) continue;
    // One by one, since one that is refused takes all of its message with it.
    say({ type: "subscribe", topics: [topic], ...(options ? { pictures: JSON.parse(options) as object } : {}) });
  }
  asked = wanted;
}

function say(fields: object): void {
  socket?.send(JSON.stringify(fields));
}

function change(to: Link): void {
  link = to;
  tell(linkUsers);
}

function tell(users: Set<() => void>): void {
  for (const told of [...users]) told();
}
