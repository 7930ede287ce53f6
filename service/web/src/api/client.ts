/** The service's interface, typed by its own OpenAPI document: a path it lacks does not compile. */

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

type Method = "get" | "post" | "put" | "patch" | "delete";

/** Paths of the interface that take a method. */
export type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = M extends keyof paths[P] ? paths[P][M] : never;

type PathOf<O> = O extends { parameters: { path: infer X } } ? { path: X } : { path?: undefined };
type QueryOf<O> = O extends { parameters: { query: infer X } }
  ? { query: X }
  : O extends { parameters: { query?: infer X } }
    ? { query?: X }
    : { query?: undefined };
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer X } } }
  ? { body: X }
  : O extends { requestBody?: { content: { "application/json": infer X } } }
    ? { body?: X }
    : { body?: undefined };

/** What a call is given: values of the path, of the query, a body, a signal that ends it. */
export type Options<P extends keyof paths, M extends Method> = PathOf<Operation<P, M>> &
  QueryOf<Operation<P, M>> &
  BodyOf<Operation<P, M>> & { signal?: AbortSignal };

type Json<R> = R extends { content: { "application/json": infer X } } ? X : undefined;

/** What a call answers with; undefined where that is no JSON. */
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202 | 204)]> : never;

/** The options may be left out where none is needed. */
type Rest<P extends keyof paths, M extends Method> =
  object extends Options<P, M> ? [options?: Options<P, M>] : [options: Options<P, M>];

/** One place of a request that does not fit; `field` is without `body.` and the like. */
export interface FieldProblem {
  field: string;
  message: string;
}

/** What the service says is wrong (a problem document), or that it does not answer (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: FieldProblem[] = [],
    /** Seconds after which it may be tried again; null if nothing was said. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }

  /** What is wrong with a field of a form, or null. */
  of(field: string): string | null {
    const found = this.errors.find((one) => one.field === field || one.field.startsWith(`${field}.`));
    return found ? found.message : null;
  }
}

/** What the login has to do with requests; filled in by `session.ts`. */
export const access = {
  /** Sent with everything that changes something. */
  csrf: null as string | null,
  /** A request was refused because nobody is logged in. */
  onLost(): void {},
  /** Ask for the CSRF value anew, since another tab has logged in; whether there is one. */
  async refresh(): Promise<boolean> {
    return false;
  },
};

export const get = <P extends PathsWith<"get">>(path: P, ...rest: Rest<P, "get">): Promise<Answer<P, "get">> =>
  json("GET", path, rest[0]);
export const post = <P extends PathsWith<"post">>(path: P, ...rest: Rest<P, "post">): Promise<Answer<P, "post">> =>
  json("POST", path, rest[0]);
export const put = <P extends PathsWith<"put">>(path: P, ...rest: Rest<P, "put">): Promise<Answer<P, "put">> =>
  json("PUT", path, rest[0]);
export const patch = <P extends PathsWith<"patch">>(path: P, ...rest: Rest<P, "patch">): Promise<Answer<P, "patch">> =>
  json("PATCH", path, rest[0]);
export const del = <P extends PathsWith<"delete">>(path: P, ...rest: Rest<P, "delete">): Promise<Answer<P, "delete">> =>
  json("DELETE", path, rest[0]);

/** A picture, a video or a file that a GET answers with. */
export const getBlob = async <P extends PathsWith<"get">>(path: P, ...rest: Rest<P, "get">): Promise<Blob> =>
  (await ask("GET", addressOf(path, rest[0]), loose(rest[0]))).blob();

/** The same for a POST. */
export const postBlob = async <P extends PathsWith<"post">>(path: P, ...rest: Rest<P, "post">): Promise<Blob> =>
  (await ask("POST", addressOf(path, rest[0]), loose(rest[0]))).blob();

interface Loose {
  path?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

/** Where a path lies, with its values filled in: for links, `<img>` and downloads. */
export function addressOf(path: string, options?: object): string {
  const { path: values = {}, query = {} } = loose(options);
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name] ?? "")));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") search.append(name, String(one));
    }
  }
  return search.size ? `${filled}?${search}` : filled;
}

/** A request to an address of the service.
 *
 * @throws Problem if it is refused or nobody answers.
 */
export async function ask(method: string, address: string, options: Loose = {}): Promise<Response> {
  const answer = await send(method, address, options);
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (problem.code === "csrf_failed" && (await access.refresh())) {
    const again = await send(method, address, options);
    if (again.ok) return again;
    throw await problemOf(again);
  }
  if (problem.status === 401 && problem.code === "unauthenticated") access.onLost();
  throw problem;
}

/** The problem that an answer is. */
export async function problemOf(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => ({}));
  return readProblem(answer.status, answer.statusText, body, answer.headers.get("Retry-After"));
}

/** A problem from the parts of an answer. */
export function readProblem(status: number, title: string, body: unknown, retryAfter: string | null): Problem {
  const document = (typeof body === "object" && body !== null ? body : {}) as Partial<Schemas["Problem"]>;
  const errors = (document.errors ?? []).map(({ location, message }) => ({
    field: location.replace(/^(body|query|path|header)\./, ""),
    message,
  }));
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new Problem(
    status,
    document.code ?? "internal_error",
    document.detail ?? title,
    errors,
    Number.isNaN(seconds) ? null : seconds,
  );
}

async function send(method: string, address: string, { body, signal }: Loose): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (access.csrf !== null && method !== "GET") headers["X-CSRF-Token"] = access.csrf;
  try {
    return await fetch(address, {
      method,
      headers,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "no_answer", "the service does not answer");
  }
}

async function json<T>(method: string, path: string, options?: object): Promise<T> {
  const answer = await ask(method, addressOf(path, options), loose(options));
  const kind = answer.headers.get("Content-Type") ?? "";
  return (answer.status !== 204 && kind.includes("json") ? await answer.json() : undefined) as T;
}

// The checked types of a call's options are of no use where it is put together.
function loose(options?: object): Loose {
  return (options ?? {}) as Loose;
}
