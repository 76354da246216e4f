// A result: bars, how engines compare, every round, and whether their replies are right.

import { colorOf } from "./colors";
import { browserOf } from "./device_facts";
import type { BenchResult, ContenderResult, TestName } from "./result";
import { RoundsPlot } from "./rounds_plot";
import { agreementText, ratio, short, speedsOf, summaryTable } from "./summary";

interface Props {
  readonly result: BenchResult;
  /** False while it is still being measured. */
  readonly complete: boolean;
  readonly save: () => void;
}

export function ResultView({ result, complete, save }: Props) {
  const { contenders, settings, reference, device } = result;
  const measured = contenders.filter(({ runs }) => runs.length > 0);
  return (
    <section class="result" aria-label="Result">
      <header>
        <div>
          <h2>{result.model}</h2>
          <p class="note">
            {device.adapter} · {browserOf(device.userAgent)} · {settings.rounds}{" "}
            {settings.rounds === 1 ? "round" : "rounds"} · prompts of {settings.promptTokens}, replies of{" "}
            {settings.replyTokens} tokens · {result.date.slice(0, 16).replace("T", " ")}
          </p>
        </div>
        {complete && (
          <div class="row">
            <button type="button" onClick={save}>
              Save
            </button>
            <button type="button" onClick={() => void navigator.clipboard.writeText(summaryTable(result))}>
              Copy as table
            </button>
          </div>
        )}
      </header>
      {result.warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      <div class="bars-of">
        <Bars
          title="Reply"
          unit="tokens a second"
          contenders={measured}
          speedOf={(one) => speedsOf(one).reply}
          test="reply"
        />
        <Bars
          title="Prompt"
          unit="tokens a second"
          contenders={measured}
          speedOf={(one) => speedsOf(one).prompt}
          test="prompt"
        />
      </div>
      <div class="table-of card">
        <table>
          <thead>
            <tr>
              <th>Engine</th>
              <th>First token</th>
              <th>Load</th>
              <th>GPU memory</th>
              <th>Page memory</th>
              <th>Dispatches · submits</th>
              <th>Right</th>
            </tr>
          </thead>
          <tbody>
            {contenders.map((one) => (
              <ContenderRow key={one.id} contender={one} />
            ))}
          </tbody>
        </table>
        <p class="note">
          First token: of a short prompt. Dispatches and submits: a token. Right: tokens of the reply that are those of{" "}
          {reference.by}.
        </p>
      </div>
      {settings.rounds > 1 && measured.length > 0 && (
        <div class="bars-of">
          <RoundsPlot title="Reply, round by round" contenders={measured} test="reply" rounds={settings.rounds} />
          <RoundsPlot title="Prompt, round by round" contenders={measured} test="prompt" rounds={settings.rounds} />
        </div>
      )}
      <details class="card">
        <summary>The reference's reply</summary>
        <p class="reply">{reference.text}</p>
      </details>
    </section>
  );
}

function ContenderRow({ contender }: { contender: ContenderResult }) {
  const { id, name, version, weights, error, loadMs, gpuBytes, pageBytes, gpuCalls, agreement } = contender;
  const title = (
    <th scope="row">
      <i class="swatch" style={{ background: colorOf(id) }} />
      {name} <small>{version}</small>
      <br />
      <small>{weights}</small>
    </th>
  );
  if (error !== undefined) {
    return (
      <tr class="failed">
        {title}
        <td colSpan={6}>{error}</td>
      </tr>
    );
  }
  const differs = agreement?.sameWeights && agreement.agreeing < agreement.tokens;
  return (
    <tr>
      {title}
      <td>{milliseconds(speedsOf(contender).firstTokenMs)}</td>
      <td>{milliseconds(loadMs)}</td>
      <td>{megabytes(gpuBytes)}</td>
      <td>{megabytes(pageBytes)}</td>
      <td>{gpuCalls ? `${short(gpuCalls.dispatches)} · ${short(gpuCalls.submits)}` : "–"}</td>
      <td class={differs ? "differs" : ""}>{agreementText(contender) || "–"}</td>
    </tr>
  );
}

interface BarsProps {
  readonly title: string;
  readonly unit: string;
  readonly contenders: readonly ContenderResult[];
  readonly speedOf: (contender: ContenderResult) => number | undefined;
  readonly test: TestName;
}

function Bars({ title, unit, contenders, speedOf, test }: BarsProps) {
  const most = Math.max(...contenders.map((one) => speedOf(one) ?? 0), 1e-9);
  const [base] = contenders;
  return (
    <figure class="card bars">
      <figcaption>
        {title} <small>{unit}, median</small>
      </figcaption>
      {contenders.map((one) => {
        const value = speedOf(one);
        const times = base && one !== base ? ratio(base, one, test) : undefined;
        return (
          <div class="bar" key={one.id}>
            <span class="name">{one.name}</span>
            <span class="track">
              <i style={{ width: `${(100 * (value ?? 0)) / most}%`, background: colorOf(one.id) }} />
            </span>
            <span class="value">{short(value) || "–"}</span>
            <span class="times">{times === undefined ? "" : `× ${short(times)}`}</span>
          </div>
        );
      })}
      {base && contenders.length > 1 && <p class="note">× : how many times as fast {base.name} is.</p>}
    </figure>
  );
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 1000 ? `${short(value)} ms` : `${short(value / 1000)} s`;
}

function megabytes(value: number | undefined): string {
  return value === undefined ? "–" : `${short(value / 1e6)} MB`;
}
