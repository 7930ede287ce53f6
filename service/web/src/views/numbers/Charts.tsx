import { ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import { Chart } from "./Chart";
import type { Place } from "./places";
import { useSeries } from "./series";
import type { Wish } from "./time";

/** Entries and exits, occupancy and dwell of one place. */
export function Charts({ wish, place, title }: { wish: Wish; place: Place; title: string }) {
  const text = useText().numbers;
  const { series, problem } = useSeries(wish, place);
  return (
    <>
      <ProblemNotice problem={problem} />
      {series && (
        <div class="charts">
          <Chart
            title={text.entries}
            subtitle={title}
            grain={wish.grain}
            steps={series.steps}
            lines={[
              { name: text.came, values: series.came, total: true },
              { name: text.left, values: series.left, total: true },
            ]}
            digits={0}
            empty={text.nobodyCame}
          />
          {series.average.length > 0 && (
            <>
              <Chart
                title={text.occupancy}
                subtitle={title}
                grain={wish.grain}
                steps={series.steps}
                lines={[
                  { name: text.average, values: series.average },
                  { name: text.peak, values: series.peak },
                ]}
                digits={1}
                empty={text.nobodyThere}
              />
              <Chart
                title={text.dwell}
                subtitle={title}
                grain={wish.grain}
                steps={series.steps}
                lines={[{ name: text.minutes, values: series.stayed }]}
                digits={1}
                empty={text.nobodyLeft}
              />
            </>
          )}
        </div>
      )}
    </>
  );
}
