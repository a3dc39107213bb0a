import type { Problem } from '../api/client.js';
import { words } from '../language/language.js';

/** What went wrong, in the server's words, and a way on. Nothing that was typed is touched. */
export function ProblemNotice({ problem, again }: { readonly problem: Problem; readonly again?: () => void }) {
  const t = words.value.problems;
  const isAway = problem.code === 'unreachable';
  return (
    <div class="notice" role="alert" data-code={problem.code}>
      <h2>{isAway ? t.unreachable : problem.title}</h2>
      <p>{isAway ? t.unreachableAbout : problem.detail}</p>
      {again && (
        <button type="button" onClick={again}>
          {t.again}
        </button>
      )}
    </div>
  );
}
