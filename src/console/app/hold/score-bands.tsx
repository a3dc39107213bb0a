import type { components } from '../api/schema.d.ts';
import { words } from '../language/language.js';

type Hold = components['schemas']['HoldAnswer'];
const POINTS_MAX = 10_000;

/** The points on one scale, and the set value that made the case a hold, with its number beside: no meaning by colour
 * alone. */
export function ScoreBands({ hold }: { readonly hold: Hold }) {
  const t = words.value.hold;
  const rows = [
    { name: t.scoreOf.card, points: hold.cardPoints },
    ...(hold.registeredPoints === null ? [] : [{ name: t.scoreOf.registered, points: hold.registeredPoints }]),
    ...(hold.differencePoints === null ? [] : [{ name: t.scoreOf.difference, points: hold.differencePoints }]),
  ];
  return (
    <div class="bands">
      {rows.map(({ name, points }) => (
        <p key={name}>
          <span id={`points-${name}`}>{name}</span>{' '}
          <meter min={0} max={POINTS_MAX} value={Math.max(0, points)} aria-labelledby={`points-${name}`}>
            {points}
          </meter>{' '}
          <b>{points}</b>
        </p>
      ))}
      <p>
        {hold.boundPoints !== null && t.bound(hold.boundPoints)}{' '}
        {hold.policyVersion !== null && <small>{t.policy(hold.policyVersion)}</small>}
      </p>
    </div>
  );
}
