import { words } from '../language/language.js';

interface Filters {
  readonly boothId: string;
  readonly hasResolved: boolean;
  readonly apply: (changes: Readonly<Record<string, string | undefined>>) => void;
  readonly find: (receipt: string) => Promise<void>;
}

export function DeskFilters({ boothId, hasResolved, apply, find }: Filters) {
  const t = words.value.desk.filters;
  const textOf = (form: HTMLFormElement, name: string): string => String(new FormData(form).get(name) ?? '').trim();
  return (
    <div class="filters">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          const include = new FormData(form).get('include') === null ? undefined : 'resolved';
          apply({ boothId: textOf(form, 'boothId') || undefined, include });
        }}
      >
        <fieldset>
          <legend>{t.legend}</legend>
          <label>
            {t.booth} <input name="boothId" defaultValue={boothId} autoComplete="off" />
          </label>
          <label>
            <input type="checkbox" name="include" defaultChecked={hasResolved} /> {t.resolved}
          </label>
          <button type="submit">{t.apply}</button>
        </fieldset>
      </form>
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          void find(textOf(event.currentTarget, 'receipt'));
        }}
      >
        <label>
          {t.receipt} <input name="receipt" required autoComplete="off" />
        </label>{' '}
        <button type="submit">{t.find}</button>
      </form>
    </div>
  );
}
