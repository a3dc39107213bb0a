import { useState } from 'preact/hooks';
import { api, asked, Problem } from '../api/client.js';
import type { components } from '../api/schema.d.ts';
import { words } from '../language/language.js';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { session } from '../session/session-state.js';
import { forget, keep, kept, type Draft } from './draft.js';
import { OFFICER_OPINIONS, reasonsFor } from '../../../domain/hold-review/hold-review.events.js';
import { OUTCOME_OF } from './fitting-reasons.js';

type Hold = components['schemas']['HoldAnswer'];
type Opinion = components['schemas']['ToldOpinionAnswer'];
const OPINIONS_NEEDED = 2;
const NOTE_MAX = 500;
/** Somebody else's act came first: what is shown is no longer how it stands. */
const OVERTAKEN = new Set(['hold_not_open', 'opinion_already_given', 'opinions_missing']);

interface OpinionFormProps {
  readonly requestId: string;
  readonly hold: Hold;
  readonly opinions: readonly Opinion[];
  readonly hasSeenAll: boolean;
  readonly onChanged: () => void;
}

/** What an officer thinks, or, when both opinions are in, the end of the review. */
export function OpinionForm({ requestId, hold, opinions, hasSeenAll, onChanged }: OpinionFormProps) {
  const t = words.value.hold.opinion;
  const [draft, setDraft] = useState<Draft>(() => kept(requestId));
  const [problem, setProblem] = useState<Problem | null>(null);
  const person = session.value.is === 'signed_in' || session.value.is === 'ended' ? session.value.person : null;
  const hasGiven = opinions.some(({ officer }) => officer === person?.subject);
  const areBothIn = opinions.length >= OPINIONS_NEEDED;
  // Another content is another act; the same one, sent again after a failure, is carried out once.
  const change = (next: Draft): void => {
    const other = { ...next, key: crypto.randomUUID() };
    setDraft(other);
    keep(requestId, other);
  };
  const send = async (act: () => Promise<unknown>): Promise<void> => {
    setProblem(null);
    try {
      await act();
      forget(requestId);
      setDraft(kept(requestId));
      onChanged();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  };
  const headers = { 'Idempotency-Key': draft.key };
  const params = { path: { requestId }, header: headers };
  const { opinion, reason } = draft;

  if (hold.outcome !== null)
    return (
      <section aria-labelledby="opinion">
        <h2 id="opinion">
          {t.resolved}: {words.value.hold.outcomes[hold.outcome]}
        </h2>
        <Opinions opinions={opinions} />
      </section>
    );
  if (person?.roles.includes('officer') !== true) return <Opinions opinions={opinions} />;
  const differ = areBothIn && opinions[0]?.opinion !== opinions[1]?.opinion;
  return (
    <section aria-labelledby="opinion" class="opinion">
      <h2 id="opinion">{differ ? t.thirdTitle : t.title}</h2>
      {!areBothIn && <p>{t.blind}</p>}
      <Opinions opinions={opinions} />
      {problem && (
        <>
          {OVERTAKEN.has(problem.code) && <p role="status">{t.first}</p>}
          <ProblemNotice problem={problem} {...(OVERTAKEN.has(problem.code) && { again: onChanged })} />
        </>
      )}
      {hasGiven && !areBothIn && (
        <p role="status">
          {t.sent}{' '}
          <button
            type="button"
            onClick={() => void send(() => asked(api.POST('/v1/holds/{requestId}/opinions/withdrawal', { params })))}
          >
            {t.withdraw}
          </button>
        </p>
      )}
      {areBothIn && !differ && opinions[0] && (
        <button
          type="button"
          class="button"
          onClick={() =>
            void send(() =>
              asked(
                api.POST('/v1/holds/{requestId}/resolution', {
                  params,
                  body: {
                    outcome: OUTCOME_OF[(opinions[0] as Opinion).opinion],
                    reason: (opinions[0] as Opinion).reason,
                  },
                }),
              ),
            )
          }
        >
          {t.resolve}
        </button>
      )}
      {((!hasGiven && !areBothIn) || (differ && !hasGiven)) && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (opinion === '' || reason === '') return;
            void send(() =>
              differ
                ? asked(
                    api.POST('/v1/holds/{requestId}/resolution', {
                      params,
                      body: { outcome: OUTCOME_OF[opinion], reason },
                    }),
                  )
                : asked(
                    api.POST('/v1/holds/{requestId}/opinions', {
                      params,
                      body: { opinion, reason, ...(draft.note !== '' && { note: draft.note }) },
                    }),
                  ),
            );
          }}
        >
          <fieldset>
            <legend>{t.choose}</legend>
            {OFFICER_OPINIONS.map((each) => (
              <label key={each}>
                <input
                  type="radio"
                  name="opinion"
                  value={each}
                  checked={opinion === each}
                  onChange={() => change({ ...draft, opinion: each, reason: '' })}
                />{' '}
                {t[each]}
              </label>
            ))}
          </fieldset>
          <label>
            {t.reason}{' '}
            <select
              name="reason"
              value={reason}
              onChange={(event) => change({ ...draft, reason: event.currentTarget.value as Draft['reason'] })}
            >
              <option value="">—</option>
              {(opinion === '' ? [] : reasonsFor(opinion)).map((each) => (
                <option key={each} value={each}>
                  {words.value.hold.opinionReasons[each]}
                </option>
              ))}
            </select>
          </label>
          {!differ && (
            <label class="note">
              {t.note}{' '}
              <textarea
                name="note"
                rows={3}
                maxLength={NOTE_MAX}
                value={draft.note}
                onInput={(event) => change({ ...draft, note: event.currentTarget.value })}
              />
              <small>{t.noteAbout}</small>
            </label>
          )}
          {!hasSeenAll && <p id="look-first">{t.look}</p>}
          <button
            type="submit"
            class="button"
            disabled={!hasSeenAll || opinion === '' || reason === ''}
            aria-describedby={hasSeenAll ? undefined : 'look-first'}
          >
            {t.send}
          </button>
        </form>
      )}
    </section>
  );
}

function Opinions({ opinions }: { readonly opinions: readonly Opinion[] }) {
  const t = words.value.hold;
  if (opinions.length === 0) return null;
  return (
    <>
      <h3>{t.opinion.given}</h3>
      <ul>
        {opinions.map(({ officer, opinion, reason, note }) => (
          <li key={officer}>
            {officer}: <b>{t.opinion[opinion]}</b> ({t.opinionReasons[reason]}){note !== null && <q> {note}</q>}
          </li>
        ))}
      </ul>
    </>
  );
}
