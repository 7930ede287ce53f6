import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Button } from "../../parts/Button";
import { Field, Select } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, navigate, type ViewProperties } from "../../routes";
import { useText } from "../../text";
import { type Found, find, type Wanted, type Within } from "./find";
import { Results } from "./Results";
import { Source } from "./Source";
import { WantedCard } from "./WantedCard";
import "./search.css";

/** `#/search?track=entrance:17`: who else looks like somebody, and where they were. */
export default function Search({ query }: ViewProperties) {
  const text = useText();
  const streams = useAnswer("/v1/streams", { query: { limit: 500 } });
  const cameras = streams.data?.items ?? [];
  const named = query.get("track");
  const [picture, setPicture] = useState<Wanted | null>(null);
  const [within, setWithin] = useState<Within>({ stream: "", begin: "", end: "" });
  const wanted: Wanted | null = named ? { track: named } : picture;
  const { found, problem, busy } = useFound(wanted, within);
  const isWrong = within.begin !== "" && within.end !== "" && within.end <= within.begin;
  const nameOf = (id: string) => cameras.find((camera) => camera.id === id)?.name || id;

  const look = (next: Wanted | null) => {
    setPicture(next && "picture" in next ? next : null);
    const href = hrefOf("search");
    navigate(next && "track" in next ? `${href}?track=${encodeURIComponent(next.track)}` : href);
  };
  useEffect(() => () => void (picture && "url" in picture && URL.revokeObjectURL(picture.url)), [picture]);

  return (
    <Page title={text.search.title}>
      <ProblemNotice problem={streams.problem} />
      <div class="search">
        {wanted ? (
          <WantedCard wanted={wanted} box={found?.box ?? null} onOther={() => look(null)} />
        ) : (
          <Source cameras={cameras} busy={busy} onFind={look} />
        )}
        {wanted && (
          <form class="card within" aria-label={text.search.within} onSubmit={(event) => event.preventDefault()}>
            <Select
              label={text.parts.camera}
              value={within.stream}
              options={[["", text.events.all] as const, ...cameras.map(({ id, name }) => [id, name || id] as const)]}
              onValue={(stream) => setWithin({ ...within, stream })}
            />
            <Field
              type="datetime-local"
              label={text.events.begin}
              value={within.begin}
              onValue={(begin) => setWithin({ ...within, begin })}
            />
            <Field
              type="datetime-local"
              label={text.events.end}
              value={within.end}
              error={isWrong ? text.events.endFault : null}
              onValue={(end) => setWithin({ ...within, end })}
            />
          </form>
        )}
        {busy && <p role="status">{text.search.searching}</p>}
        {problem?.status === 409 ? (
          <div class="notice wait" role="alert">
            {problem.detail} {text.search.offHint}
          </div>
        ) : (
          <ProblemNotice problem={problem} />
        )}
        {problem && <Button onClick={() => look(null)}>{text.search.other}</Button>}
        {found && <Results found={found} nameOf={nameOf} onFind={(track) => look({ track })} />}
      </div>
    </Page>
  );
}

/** What a search finds; asked anew with every change. */
function useFound(wanted: Wanted | null, within: Within) {
  const [answer, setAnswer] = useState<{ found?: Found; problem?: Problem }>({});
  const [busy, setBusy] = useState(false);
  const asked = useRef(0);
  const whom = wanted && ("track" in wanted ? wanted.track : wanted);
  useEffect(() => {
    setAnswer({});
    if (!wanted) return setBusy(false);
    if (within.begin && within.end && within.end <= within.begin) return;
    const ending = new AbortController();
    const mine = (asked.current += 1);
    setBusy(true);
    find(wanted, within, ending.signal).then(
      (found) => mine === asked.current && setAnswer({ found }),
      (error: unknown) => {
        if (ending.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        setAnswer({ problem: error });
      },
    ).finally(() => mine === asked.current && setBusy(false));
    return () => ending.abort();
  }, [whom, within]);
  return { ...answer, busy };
}
