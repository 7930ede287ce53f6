/** How many, when and where: charts and maps of what the cameras saw. */

import { useState } from "preact/hooks";
import { useAnswer } from "../../api/hooks";
import { EmptyState } from "../../parts/EmptyState";
import { Select } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, navigate, type ViewProperties } from "../../routes";
import { useText } from "../../text";
import { Charts } from "./Charts";
import { HeatMap } from "./HeatMap";
import { PeopleNow } from "./PeopleNow";
import { type Place, placeName, usePlaces } from "./places";
import { type Grain, RANGES, type RangeName, rangeOf, type Wish } from "./time";
import "./numbers.css";

export default function Numbers({ parts: [camera] }: ViewProperties) {
  const text = useText().numbers;
  const { data, problem } = useAnswer("/v1/streams", { query: { limit: 500 } }, { every: 15_000 });
  const streams = data?.items ?? [];
  const stream = streams.find(({ id }) => id === camera) ?? streams[0];
  return (
    <Page title={text.title}>
      <div class="numbers">
        <ProblemNotice problem={problem} />
        {data && !stream && (
          <EmptyState title={text.noCamera}>
            <a class="button" href={hrefOf("cameras")}>
              {text.toCameras}
            </a>
          </EmptyState>
        )}
        {stream && (
          <>
            <PeopleNow streams={streams} />
            <OneCamera
              key={stream.id}
              stream={stream.id}
              names={streams.map(({ id, name }) => [id, name || id] as const)}
            />
          </>
        )}
      </div>
    </Page>
  );
}

interface Properties {
  stream: string;
  names: readonly (readonly [string, string])[];
}

function OneCamera({ stream, names }: Properties) {
  const text = useText().numbers;
  const [range, setRange] = useState<RangeName>("day");
  const [grain, setGrain] = useState<Grain>("hour");
  const [who, setWho] = useState<"person" | "all">("person");
  const [place, setPlace] = useState<Place>("picture");
  const places = usePlaces(stream);
  // A question stays the same until somebody asks another, so that nothing is asked in a circle.
  const [at, setAt] = useState(() => Date.now());
  const wish: Wish = { stream, grain, ...rangeOf(range, at), classes: who === "person" ? ["person"] : [] };
  const title = `${names.find(([id]) => id === stream)?.[1] ?? stream}: ${placeName(place, text)}`;
  return (
    <>
      <div class="choices">
        <Select
          label={text.camera}
          value={stream}
          options={names}
          onValue={(id) => navigate(hrefOf("numbers", id))}
        />
        <Select
          label={text.place}
          value={place}
          options={places.map((one) => [one, placeName(one, text)] as const)}
          onValue={setPlace}
        />
        <Select
          label={text.time}
          value={range}
          options={RANGES.map((name) => [name, text.ranges[name]] as const)}
          onValue={(name) => {
            setRange(name);
            setAt(Date.now());
            setGrain(name === "month" ? "day" : "hour");
          }}
        />
        <Select
          label={text.grain}
          value={grain}
          options={[
            ["hour", text.grains.hour],
            ["day", text.grains.day],
          ]}
          onValue={setGrain}
        />
        <Select
          label={text.who}
          value={who}
          options={[
            ["person", text.people],
            ["all", text.everything],
          ]}
          onValue={setWho}
        />
      </div>
      <Charts wish={wish} place={place} title={title} />
      <HeatMap wish={wish} />
    </>
  );
}
