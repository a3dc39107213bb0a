import { errorCurve, type ScoredPair } from './statistics/error-rates.js';

export interface PlottedCondition {
  readonly name: string;
  readonly pairs: readonly ScoredPair[];
}

const FONT = 'font-family="system-ui, sans-serif" font-size="12"';
/** Colours that people with the usual colour-vision deficiencies can tell apart (Okabe and Ito), each with its own
 * dash. */
const STYLES = [
  { colour: '#0072b2', dash: '' },
  { colour: '#d55e00', dash: '6 3' },
  { colour: '#009e73', dash: '2 3' },
  { colour: '#cc79a7', dash: '8 3 2 3' },
  { colour: '#56b4e9', dash: '4 2' },
  { colour: '#e69f00', dash: '1 2' },
] as const;

/** Detection error trade-off: false non-matches against false matches, both axes on the normal-deviate scale (ISO/IEC
 * 19795-1), on which the curve of a well-behaved comparer is a straight line. @returns an SVG document */
export function detPlot(conditions: readonly PlottedCondition[], title: string): string {
  const frame = { left: 70, top: 50, width: 480, height: 480 };
  const ticks = [0.0001, 0.001, 0.01, 0.05, 0.2, 0.5];
  const [low, high] = [0.00005, 0.6];
  const place = (rate: number): number =>
    (deviate(Math.min(high, Math.max(low, rate))) - deviate(low)) / (deviate(high) - deviate(low));
  const x = (rate: number): number => frame.left + place(rate) * frame.width;
  const y = (rate: number): number => frame.top + (1 - place(rate)) * frame.height;
  const grid = ticks.map((tick) => {
    const label = `${tick * 100} %`;
    return `<path d="M${n(x(tick))} ${frame.top}V${frame.top + frame.height}M${frame.left} ${n(y(tick))}H${frame.left + frame.width}" stroke="#ddd"/>
<text x="${n(x(tick))}" y="${frame.top + frame.height + 18}" text-anchor="middle" ${FONT}>${label}</text>
<text x="${frame.left - 8}" y="${n(y(tick) + 4)}" text-anchor="end" ${FONT}>${label}</text>`;
  });
  const curves = conditions.map(({ pairs }, i) => {
    const points = errorCurve(pairs).filter(({ fmr, fnmr }) => fmr < high && fnmr < high);
    const style = STYLES[i % STYLES.length]!;
    return `<polyline fill="none" stroke="${style.colour}" stroke-width="2" stroke-dasharray="${style.dash}" points="${points.map(({ fmr, fnmr }) => `${n(x(fmr))},${n(y(fnmr))}`).join(' ')}"/>`;
  });
  const legend = conditions.map(({ name }, i) => {
    const [top, style] = [frame.top + 16 + i * 18, STYLES[i % STYLES.length]!];
    return `<path d="M${frame.left + 250} ${top}h34" stroke="${style.colour}" stroke-width="2" stroke-dasharray="${style.dash}"/><text x="${frame.left + 292}" y="${top + 4}" ${FONT}>${escaped(name)}</text>`;
  });
  return svg(580, 590, title, [
    ...grid,
    `<rect x="${frame.left}" y="${frame.top}" width="${frame.width}" height="${frame.height}" fill="none" stroke="#444"/>`,
    `<path d="M${n(x(low))} ${n(y(low))}L${n(x(high))} ${n(y(high))}" stroke="#bbb" stroke-dasharray="1 4"/>`,
    ...curves,
    ...legend,
    `<text x="${frame.left + frame.width / 2}" y="575" text-anchor="middle" ${FONT}>false match rate</text>`,
    `<text transform="translate(16 ${frame.top + frame.height / 2}) rotate(-90)" text-anchor="middle" ${FONT}>false non-match rate</text>`,
  ]);
}

/** How the distances of both kinds of pairs are spread, one panel per condition, each kind as shares of its own number.
 *  @param marks distances to draw as lines, with a word each @returns an SVG document */
export function histogramPlot(
  conditions: readonly PlottedCondition[],
  marks: readonly { distance: number; label: string }[],
  title: string,
): string {
  const all = conditions.flatMap(({ pairs }) => pairs.map((pair) => pair.distance)).filter(Number.isFinite);
  const [from, to] = [Math.min(...all, 0.2), Math.max(...all, 1)];
  const [width, height, left] = [620, 170, 60];
  const x = (distance: number): number => left + ((distance - from) / (to - from)) * width;
  const bins = 60;
  const panels = conditions.map(({ name, pairs }, i) => {
    const top = 60 + i * (height + 60);
    const shares = [true, false].map((same) =>
      shareByBin(
        pairs.filter((pair) => pair.same === same),
        { from, to, bins },
      ),
    );
    const highest = Math.max(0.01, ...shares.flat());
    const bars = shares.map((share, kind) => {
      const path = share
        .map(
          (value, bin) =>
            `L${n(left + (bin * width) / bins)} ${n(top + height - (value / highest) * height)}h${n(width / bins)}`,
        )
        .join('');
      return `<path d="M${left} ${top + height}${path}V${top + height}Z" fill="${kind === 0 ? STYLES[0].colour : STYLES[1].colour}" fill-opacity="0.45" stroke="${kind === 0 ? STYLES[0].colour : STYLES[1].colour}"/>`;
    });
    const failed = pairs.filter((pair) => pair.distance === Infinity).length;
    const lines = marks.map(
      ({ distance, label }) =>
        `<path d="M${n(x(distance))} ${top}V${top + height}" stroke="#444" stroke-dasharray="3 3"/><text x="${n(x(distance) + 3)}" y="${top + 12}" ${FONT}>${escaped(label)}</text>`,
    );
    const ticks = Array.from({ length: 12 }, (_, k) => k / 10).filter((tick) => tick >= from && tick <= to);
    return [
      `<text x="${left}" y="${top - 8}" ${FONT} font-weight="bold">${escaped(name)}${failed > 0 ? ` (${failed} pairs without a score)` : ''}</text>`,
      ...bars,
      ...lines,
      `<path d="M${left} ${top + height}h${width}" stroke="#444"/>`,
      ...ticks.map(
        (tick) => `<text x="${n(x(tick))}" y="${top + height + 16}" text-anchor="middle" ${FONT}>${tick}</text>`,
      ),
    ].join('\n');
  });
  const bottom = 60 + conditions.length * (height + 60);
  return svg(left + width + 30, bottom + 10, title, [
    ...panels,
    `<text x="${left}" y="${bottom - 10}" ${FONT}>distance; <tspan fill="${STYLES[0].colour}">same person</tspan>, <tspan fill="${STYLES[1].colour}">different people</tspan>, each as a share of its own pairs</text>`,
  ]);
}

function shareByBin(
  pairs: readonly ScoredPair[],
  { from, to, bins }: { from: number; to: number; bins: number },
): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const { distance } of pairs) {
    if (distance !== Infinity) counts[Math.min(bins - 1, Math.floor(((distance - from) / (to - from)) * bins))]! += 1;
  }
  return counts.map((count) => count / Math.max(1, pairs.length));
}

function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="20" y="24" font-family="system-ui, sans-serif" font-size="15">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`;
}

function n(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Quantile of the standard normal distribution (P. J. Acklam's rational approximation, relative error below 1.2e-9).
 *  @param p between 0 and 1, exclusive */
export function deviate(p: number): number {
  const tail = (q: number): number =>
    (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
      4.374664141464968) *
      q +
      2.938163982698783) /
    ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1);
  if (p < 0.02425) return tail(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - 0.02425) return -tail(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
}
