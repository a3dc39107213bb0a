import type { components } from '../api/schema.d.ts';
import { japanTime, span, utcTime, words } from '../language/language.js';

type Hold = components['schemas']['CertifiedHoldAnswer'];
const SOON_MS = 4 * 3_600_000;

/** One row a hold; arrow keys go from row to row. */
export function HoldRows({ holds }: { readonly holds: readonly Hold[] }) {
  const t = words.value.desk.columns;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{t.due}</th>
          <th scope="col">{t.reason}</th>
          <th scope="col">{t.age}</th>
          <th scope="col">{t.booth}</th>
          <th scope="col">{t.opinions}</th>
          <th scope="col">{t.points}</th>
        </tr>
      </thead>
      <tbody onKeyDown={moveByArrows}>
        {holds.map((hold) => (
          <HoldRow key={hold.requestId} hold={hold} />
        ))}
      </tbody>
    </table>
  );
}

function HoldRow({ hold }: { readonly hold: Hold }) {
  const t = words.value;
  const due = dueOf(hold);
  return (
    <tr class={due}>
      <th scope="row">
        <a href={`/console/holds/${hold.requestId}`}>
          <time dateTime={hold.dueAtUtc} title={utcTime(hold.dueAtUtc)}>
            {japanTime(hold.dueAtUtc)}
          </time>
        </a>{' '}
        <span class="badge">{hold.outcome === null ? t.desk.due[due] : t.hold.outcomes[hold.outcome]}</span>
      </th>
      <td data-label={t.desk.columns.reason}>{t.reasons[hold.reason]}</td>
      <td data-label={t.desk.columns.age}>{span(hold.openedAtUtc, Date.now())}</td>
      <td data-label={t.desk.columns.booth}>{hold.boothId}</td>
      <td data-label={t.desk.columns.opinions}>{hold.opinions} / 2</td>
      <td data-label={t.desk.columns.points}>
        {hold.cardPoints} / {hold.registeredPoints ?? '—'}
      </td>
    </tr>
  );
}

function dueOf({ dueAtUtc, outcome }: Hold): 'overdue' | 'soon' | 'later' {
  const left = Date.parse(dueAtUtc) - Date.now();
  if (outcome !== null) return 'later';
  return left <= 0 ? 'overdue' : left < SOON_MS ? 'soon' : 'later';
}

function moveByArrows(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll('a')];
  const next = links[links.indexOf(document.activeElement as HTMLAnchorElement) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}
