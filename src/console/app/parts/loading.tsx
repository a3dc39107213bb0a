import { words } from '../language/language.js';

/** While an answer is on its way. */
export function Loading() {
  return (
    <main id="content" aria-busy="true">
      <p role="status">{words.value.problems.loading}</p>
    </main>
  );
}
