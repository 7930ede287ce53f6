/** Who is logged in, the same in every tab. */

import { useEffect, useState } from "preact/hooks";
import { access, del, get, post, Problem, type Schemas } from "./api/client";

export type Who = Schemas["Who"];
export type Role = Who["role"];

/** `expired`: the login ended by itself; what is on the screen stays until somebody logs in again. */
export type Session =
  | { status: "unknown" }
  | { status: "out"; said: "" | "logged_out" }
  | { status: "in"; who: Who }
  | { status: "expired"; who: Who };

/** The key that `auth.admin_token` is, which is in no list of keys and has no name of its own. */
export const CONFIGURED = "configuration";

const ROLES: Role[] = ["viewer", "operator", "admin"];
const tabs = new BroadcastChannel("sightline-session");
const listeners = new Set<() => void>();
let session: Session = { status: "unknown" };

export function currentSession(): Session {
  return session;
}

export function useSession(): Session {
  const [, draw] = useState({});
  useEffect(() => {
    const listener = () => draw({});
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return session;
}

/** Who uses the page; only in what is shown to somebody who is logged in. */
export function useWho(): Who {
  const found = useSession();
  if (found.status !== "in" && found.status !== "expired") throw new Error("nobody is logged in");
  return found.who;
}

/** Whether somebody's role is at least another, for what concerns all cameras as well. */
export function may(who: Who, role: Role, { everywhere = false } = {}): boolean {
  return ROLES.indexOf(who.role) >= ROLES.indexOf(role) && !(everywhere && who.streams !== null);
}

/** Find out who the cookie stands for.
 *
 * @throws Problem if the service does not answer.
 */
export async function findSession(): Promise<void> {
  try {
    enter(await get("/v1/session"));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    if (session.status === "unknown") change({ status: "out", said: "" });
  }
}

/** Change a token for a cookie.
 *
 * @throws Problem if the token is refused.
 */
export async function logIn(token: string): Promise<void> {
  enter(await post("/v1/session", { body: { token } }));
  tabs.postMessage("in");
}

/** End the login, in every tab.
 *
 * @throws Problem if the service could not be told.
 */
export async function logOut(): Promise<void> {
  try {
    await del("/v1/session");
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
  }
  leave();
  tabs.postMessage("out");
}

/** The login ended without this page's doing. */
function expire(): void {
  if (session.status === "in") change({ status: "expired", who: session.who });
}

access.onLost = expire;
access.refresh = async () => {
  await findSession();
  return session.status === "in";
};
tabs.onmessage = ({ data }: MessageEvent<unknown>) => {
  if (data === "out") leave();
  // Without an answer this tab asks again when it is used.
  else findSession().catch(() => undefined);
};

function enter(who: Who): void {
  access.csrf = who.csrf ?? null;
  change({ status: "in", who });
}

function leave(): void {
  access.csrf = null;
  change({ status: "out", said: "logged_out" });
}

function change(to: Session): void {
  session = to;
  for (const listener of [...listeners]) listener();
}
