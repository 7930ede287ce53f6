import { useEffect, useMemo, useState } from "preact/hooks";
import { useAnswer } from "../../api/hooks";
import { useRuleNames } from "../../api/rules";
import { Button } from "../../parts/Button";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, navigate, type ViewProperties } from "../../routes";
import { useText } from "../../text";
import { Detail } from "./Detail";
import { hrefWith, NONE, readFilters } from "./filters";
import { type Event, useEventList } from "./list";
import { Narrowing } from "./Narrowing";
import { Row } from "./Row";
import "./events.css";

/** `#/events?stream=entrance&rule=door`: what happened, the latest first, and what happens. */
export default function Events({ query }: ViewProperties) {
  const text = useText();
  const filters = useMemo(() => readFilters(query), [query]);
  const streams = useAnswer("/v1/streams", { query: { limit: 500 } });
  const cameras = streams.data?.items ?? [];
  const rules = useRuleNames(cameras.map(({ id }) => id));
  const isAway = useIsAway();
  const list = useEventList(filters, isAway);
  const [opened, setOpened] = useState<Event | null>(null);
  const seen = useClasses(list.items, filters.class);
  const nameOf = (id: string) => cameras.find((camera) => camera.id === id)?.name || id;
  const isNarrowed = JSON.stringify(filters) !== JSON.stringify(NONE);

  return (
    <Page title={text.events.title} summary={text.events.live}>
      <Narrowing
        filters={filters}
        cameras={cameras}
        rules={rules}
        classes={seen}
        onChange={(changed) => navigate(hrefWith(changed))}
      />
      <ProblemNotice problem={list.problem} />
      {/* Scrolled down, a list that moves by itself could not be read. */}
      <div class="arrived" role="status">
        {list.waiting > 0 && (
          <Button kind="first" onClick={() => scrollTo({ top: 0, behavior: "smooth" })}>
            {text.events.arrived(list.waiting)}
          </Button>
        )}
      </div>
      <ol class="events" aria-label={text.events.title}>
        {list.items.map((event) => (
          <Row key={event.id} event={event} rules={rules} cameraName={nameOf(event.stream)} onOpen={setOpened} />
        ))}
      </ol>
      {!list.loading && !list.problem && list.items.length === 0 && (
        <EmptyState title={isNarrowed ? text.events.nothingFits : text.events.nothing}>
          {isNarrowed ? (
            <Button onClick={() => navigate(hrefWith(NONE))}>{text.events.clear}</Button>
          ) : (
            <>
              <p>{text.events.nothingHint}</p>
              <a class="button" href={hrefOf("rules")}>
                {text.events.toRules}
              </a>
            </>
          )}
        </EmptyState>
      )}
      {list.hasMore && (
        <div class="pager">
          <Button busy={list.loading} onClick={list.more}>
            {text.events.more}
          </Button>
        </div>
      )}
      {opened && <Detail event={opened} rules={rules} cameraName={nameOf(opened.stream)} onClose={() => setOpened(null)} />}
    </Page>
  );
}

/** Whether one reads further down. */
function useIsAway(): boolean {
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    const listener = () => setAway(scrollY > 240);
    addEventListener("scroll", listener, { passive: true });
    return () => removeEventListener("scroll", listener);
  }, []);
  return isAway;
}

/** The classes that were met so far, so that one can ask for those alone. */
function useClasses(items: readonly Event[], chosen: string): readonly string[] {
  const [seen, setSeen] = useState<readonly string[]>(chosen ? [chosen] : []);
  useEffect(() => {
    const found = items.map(({ class_name }) => class_name).filter((name): name is string => Boolean(name));
    const all = [...new Set([...seen, ...found])].sort();
    if (all.length !== seen.length) setSeen(all);
  }, [items]);
  return seen;
}
