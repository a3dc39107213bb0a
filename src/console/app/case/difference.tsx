import { differences } from '../../../domain/audit/story/time-travel.js';
import type { JsonObject } from '../../../domain/event-envelope.js';
import { words } from '../language/language.js';

/** Two states, member by member. */
export function Difference({ before, after }: { readonly before: JsonObject; readonly after: JsonObject }) {
  const t = words.value.case;
  const found = differences(before, after);
  if (found.length === 0) return <p class="empty">{t.same}</p>;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{t.member}</th>
          <th scope="col">{t.before}</th>
          <th scope="col">{t.after}</th>
        </tr>
      </thead>
      <tbody>
        {found.map(({ path, before: was, after: is }) => (
          <tr key={path}>
            <th scope="row">{path}</th>
            <td data-label={t.before}>{JSON.stringify(was)}</td>
            <td data-label={t.after}>{JSON.stringify(is)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
