/** Views and their addresses: `#/cameras`, `#/jobs/0198…`; each view is a file of its own. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Role } from "./session";
import type { Catalogue } from "./text";

/** A view gets what follows its name in the address. */
export interface ViewProperties {
  parts: readonly string[];
  query: URLSearchParams;
}

export interface View {
  name: Exclude<keyof Catalogue, "kinds" | "login" | "parts" | "player" | "reasons" | "shell">;
  /** The least role that has something to do there. */
  role: Role;
  /** Whether the navigation leads to it; others are reached from a view. */
  listed: boolean;
}

/** In the order of the navigation. */
const ORDER: readonly View[] = [
  { name: "cameras", role: "viewer", listed: true },
  { name: "events", role: "viewer", listed: true },
  { name: "search", role: "viewer", listed: true },
  { name: "numbers", role: "viewer", listed: true },
  { name: "jobs", role: "viewer", listed: true },
  { name: "correct", role: "operator", listed: false },
  { name: "rules", role: "operator", listed: true },
  { name: "administration", role: "operator", listed: true },
];

const FILES = import.meta.glob<{ default: ComponentType<ViewProperties> }>([
  "./views/*/index.tsx",
  // The form that leads to all others is part of the frame.
  "!./views/login/index.tsx",
]);

/** The views that there are. */
export const VIEWS: readonly View[] = ORDER.filter(({ name }) => fileOf(name) in FILES);

/** Load a view. */
export async function loadView(name: string): Promise<ComponentType<ViewProperties>> {
  const file = FILES[fileOf(name)];
  if (!file) throw new Error(`there is no view ${name}`);
  return (await file()).default;
}

export interface Route extends ViewProperties {
  name: string;
}

/** Where one is; changes with the address. */
export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const listener = () => setRoute(readRoute());
    addEventListener("hashchange", listener);
    listener(); // it may have changed between the first drawing and now
    return () => removeEventListener("hashchange", listener);
  }, []);
  return route;
}

/** The address of a view: `hrefOf("cameras", "entrance")` is `#/cameras/entrance`. */
export function hrefOf(name: View["name"], ...parts: string[]): string {
  return `#/${[name, ...parts].map(encodeURIComponent).join("/")}`;
}

/** Go to an address that `hrefOf` made. */
export function navigate(href: string): void {
  location.hash = href;
}

function readRoute(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", ...parts] = path.split("/").map(decode);
  return { name: name || "cameras", parts, query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}

function fileOf(name: string): string {
  return `./views/${name}/index.tsx`;
}
