// Tokens a second in each round, one line per engine: shows noise and drift that a median hides.

import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colorOf } from "./colors";
import type { ContenderResult, TestName } from "./result";
import { short } from "./summary";

interface Props {
  readonly title: string;
  readonly contenders: readonly ContenderResult[];
  readonly test: TestName;
  readonly rounds: number;
}

const HEIGHT = 220;

export function RoundsPlot({ title, contenders, test, rounds }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = place.current!;
    const style = getComputedStyle(target);
    const ink = style.getPropertyValue("--quiet");
    const line = style.getPropertyValue("--line");
    const xs = Array.from({ length: rounds }, (_, i) => i + 1);
    const values = contenders.map(({ runs }) =>
      xs.map((x) => runs.find((run) => run.test === test && run.round === x - 1)?.tokensPerSecond ?? null),
    );
    const font = "12px system-ui, sans-serif";
    const plot = new UPlot(
      {
        width: target.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [0.7, rounds + 0.3] }, y: { range: [0, 1.08 * highest(values)] } },
        series: [
          {},
          ...contenders.map(({ id, name }) => ({
            label: name,
            stroke: colorOf(id),
            width: 2,
            points: { size: 7, show: true },
          })),
        ],
        axes: [
          { stroke: ink, font, grid: { show: false }, splits: () => xs, values: (_, splits) => splits.map(String) },
          {
            stroke: ink,
            font,
            size: 56,
            grid: { stroke: line, width: 1 },
            values: (_, splits) => splits.map((y) => short(y)),
          },
        ],
      },
      [xs, ...values],
      target,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: target.clientWidth, height: HEIGHT }));
    watch.observe(target);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [contenders, test, rounds]);
  return (
    <figure class="card">
      <figcaption>
        {title} <small>tokens a second</small>
      </figcaption>
      <div class="plot" ref={place} role="img" aria-label={`${title}: a line for each engine`} />
    </figure>
  );
}

function highest(values: readonly (readonly (number | null)[])[]): number {
  return Math.max(1e-9, ...values.flat().map((value) => value ?? 0));
}
