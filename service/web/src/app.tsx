/** The frame around every view: who is logged in, where one can go, whether it is live. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import mark from "./mark.svg";
import { Problem } from "./api/client";
import { start, stop } from "./live/connection";
import { useLink, useTick } from "./live/hooks";
import { Badge } from "./parts/Badge";
import { Button } from "./parts/Button";
import { EmptyState } from "./parts/EmptyState";
import { Links } from "./parts/Links";
import { Notice } from "./parts/Notice";
import { hrefOf, loadView, type Route, useRoute, VIEWS, type ViewProperties } from "./routes";
import { CONFIGURED, findSession, logOut, may, useSession, type Who } from "./session";
import { choose, currentLanguage, type Language, LANGUAGES, useText } from "./text";
import { duration } from "./text/format";
import { Login } from "./views/login";

const LONGEST_WAIT = 15_000;

export function App() {
  const session = useSession();
  useEffect(findOut, []);
  switch (session.status) {
    case "unknown":
      return <Waiting />;
    case "out":
      return <Login said={session.said} />;
    default:
      // Another key is another page: nothing of the one before stays.
      return (
        <>
          <Shell key={session.who.id} who={session.who} expired={session.status === "expired"} />
          {session.status === "expired" && <Login said="expired" />}
        </>
      );
  }
}

/** Ask who the cookie stands for until the service answers. */
function findOut(): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const ask = (wait: number) => {
    findSession().catch(() => {
      timer = setTimeout(ask, wait, Math.min(2 * wait, LONGEST_WAIT));
    });
  };
  ask(1_000);
  return () => clearTimeout(timer);
}

function Waiting() {
  const text = useText();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 1_000);
    return () => clearTimeout(timer);
  }, []);
  return <main class="waiting">{late && <Notice kind="wait">{text.shell.tryingAgain}</Notice>}</main>;
}

function Shell({ who, expired }: { who: Who; expired: boolean }) {
  const text = useText();
  const route = useRoute();
  useEffect(() => {
    if (expired) return;
    start();
    return stop;
  }, [expired]);
  const view = VIEWS.find(({ name }) => name === route.name);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={focusContent}>
        {text.shell.skip}
      </a>
      <header>
        <a class="name" href={hrefOf("cameras")}>
          <img class="mark" src={mark} alt="" />
          <span>Sightline</span>
        </a>
        <Links
          label={text.shell.navigation}
          links={VIEWS.filter(({ role, listed }) => listed && may(who, role)).map(({ name }) => ({
            href: hrefOf(name),
            title: text[name].title,
            current: name === route.name,
          }))}
        />
        <User who={who} />
      </header>
      <LinkNotice />
      <main id="content" tabIndex={-1}>
        {view && may(who, view.role) ? (
          <Shown key={route.name} route={route} />
        ) : (
          <EmptyState title={text.shell.noView}>{text.shell.noViewHint}</EmptyState>
        )}
      </main>
    </div>
  );
}

function focusContent(event: Event) {
  // The address names the view, so that the link must not change it.
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function User({ who }: { who: Who }) {
  const text = useText();
  const link = useLink();
  const [problem, setProblem] = useState<string | null>(null);
  const leave = () => {
    logOut().catch((error: unknown) => {
      if (error instanceof Problem) setProblem(text.shell.stillLoggedIn(error.detail));
      else throw error;
    });
  };
  const open = link.status === "open";
  const name = who.id === CONFIGURED ? text.shell.configured : who.name;
  return (
    <div class="user">
      <span role="status">
        <Badge kind={open ? "good" : "wait"}>
          {open ? text.shell.connected : link.status === "lost" ? text.shell.lost : text.shell.connecting}
        </Badge>
      </span>
      <span class="quiet who" title={name}>
        {name} · {text.shell.role[who.role]}
      </span>
      <select
        aria-label={text.shell.language}
        value={currentLanguage()}
        onChange={(event) => void choose(event.currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </select>
      <Button onClick={leave}>{text.shell.logOut}</Button>
      {problem && <Notice kind="bad">{problem}</Notice>}
    </div>
  );
}

/** Says that the connection is lost once that lasts longer than a blink. */
function LinkNotice() {
  const text = useText();
  const link = useLink();
  useTick();
  if (link.status !== "lost" || Date.now() - link.since < 1_000) return null;
  const wait = link.retryAt - Date.now();
  return <Notice kind="wait">{wait > 500 ? text.shell.noAnswer(duration(wait)) : text.shell.tryingAgain}</Notice>;
}

/** A view, once its file is here. */
function Shown({ route }: { route: Route }) {
  const text = useText();
  const [view, setView] = useState<{ View: ComponentType<ViewProperties> } | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    loadView(route.name).then(
      (View) => setView({ View }),
      () => setFailed(true),
    );
  }, []);
  if (view) return <view.View parts={route.parts} query={route.query} />;
  if (!failed) return <p class="quiet">{text.shell.loading}</p>;
  return (
    <EmptyState title={text.shell.notLoaded}>
      <Button onClick={() => location.reload()}>{text.shell.reload}</Button>
    </EmptyState>
  );
}
