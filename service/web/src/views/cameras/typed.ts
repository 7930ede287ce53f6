/** What is typed into a camera's form: how it begins, what is wrong with it, what is sent. */

import type { Schemas } from "../../api/client";
import type { Camera } from "../../live/cameras";
import type { Catalogue } from "../../text";

export interface Typed {
  url: string;
  name: string;
  id: string;
  username: string;
  password: string;
  fps: string;
  timeout: string;
  transport: Camera["transport"];
  blur: NonNullable<Camera["privacy"]["blur"]>;
  verify: boolean;
}

export type Errors = Partial<Record<keyof Typed, string>>;

const SCHEMES = ["rtsp://", "rtsps://", "http://", "https://"];
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function beginning(camera: Camera | undefined): Typed {
  return {
    url: camera?.url ?? "",
    name: camera?.name ?? "",
    id: camera?.id ?? "",
    username: camera?.username ?? "",
    password: "",
    fps: camera?.process_fps == null ? "" : String(camera.process_fps),
    timeout: camera ? String(camera.timeout) : "10",
    transport: camera?.transport ?? "tcp",
    blur: camera?.privacy.blur ?? "off",
    verify: camera?.verify_tls ?? true,
  };
}

/** What is wrong, by field.
 *
 * @param whole Whether it is to be sent: what is only unfinished is wrong then, too.
 */
export function check(typed: Typed, taken: readonly string[], whole: boolean, text: Catalogue): Errors {
  const wrong = text.cameras.wrong;
  const errors: Errors = {};
  const url = typed.url.trim();
  const scheme = SCHEMES.find((one) => url.toLowerCase().startsWith(one));
  const rest = scheme ? url.slice(scheme.length) : "";
  const begun = SCHEMES.some((one) => one.startsWith(url.toLowerCase()));
  if (!url) {
    if (whole) errors.url = wrong.url;
  } else if (/\s/.test(url)) errors.url = wrong.space;
  else if (!scheme) {
    if (whole || !begun) errors.url = wrong.scheme;
  } else if (!rest || rest.startsWith("/")) {
    if (whole || rest) errors.url = wrong.host;
  } else if (/^[^/?#]*@/.test(rest)) errors.url = wrong.credentials;
  if (typed.name.length > 200) errors.name = wrong.nameLong;
  if (!typed.id) {
    if (whole) errors.id = wrong.idMissing;
  } else if (!ID.test(typed.id)) errors.id = wrong.id;
  else if (taken.includes(typed.id)) errors.id = wrong.idTaken;
  if (typed.fps.trim() && !isBetween(typed.fps, 0, 240, false)) errors.fps = wrong.fps;
  if ((whole || typed.timeout.trim()) && !isBetween(typed.timeout, 0.5, 600, true)) errors.timeout = wrong.timeout;
  return errors;
}

/** An identifier made of what is known so far: `Main entrance` → `main-entrance`. */
export function suggestId(typed: Typed, taken: readonly string[]): string {
  const host = /^\w+:\/\/([^/:?#]+)/.exec(typed.url.trim())?.[1] ?? "";
  const base = (typed.name.trim() || host)
    .normalize("NFKD")
    .replace(/ß/g, "ss")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  if (!base) return "";
  let id = base;
  for (let count = 2; taken.includes(id); count++) id = `${base}-${count}`;
  return id;
}

/** The fields that decide what is seen: a picture is one of these values. */
export function connectionOf(typed: Typed): string {
  const { url, username, password, transport, blur, verify } = typed;
  return JSON.stringify([url.trim(), username, password, transport, blur, verify]);
}

/** A camera to be made. */
export function requestOf(typed: Typed): Schemas["StreamRequest"] {
  const { fps, username, password } = typed;
  return {
    id: typed.id,
    name: typed.name.trim(),
    url: typed.url.trim(),
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(fps.trim() ? { process_fps: Number(fps) } : {}),
    timeout: Number(typed.timeout),
    transport: typed.transport,
    verify_tls: typed.verify,
    privacy: { blur: typed.blur },
  };
}

/** What was changed of a camera; with another address, user and password are given anew. */
export function changesOf(typed: Typed, camera: Camera): Schemas["StreamChanges"] {
  const before = beginning(camera);
  const moved = typed.url.trim() !== before.url;
  return {
    ...(moved ? { url: typed.url.trim() } : {}),
    ...(moved || typed.username !== before.username ? { username: typed.username || null } : {}),
    ...(typed.password ? { password: typed.password } : {}),
    ...(typed.name.trim() !== before.name ? { name: typed.name.trim() } : {}),
    ...(typed.fps !== before.fps ? { process_fps: typed.fps.trim() ? Number(typed.fps) : null } : {}),
    ...(typed.timeout !== before.timeout ? { timeout: Number(typed.timeout) } : {}),
    ...(typed.transport !== before.transport ? { transport: typed.transport } : {}),
    ...(typed.verify !== before.verify ? { verify_tls: typed.verify } : {}),
    ...(typed.blur !== before.blur ? { privacy: { blur: typed.blur } } : {}),
  };
}

function isBetween(text: string, least: number, most: number, including: boolean): boolean {
  const value = Number(text);
  return text.trim() !== "" && (including ? value >= least : value > least) && value <= most;
}
