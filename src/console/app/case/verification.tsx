import { useState } from 'preact/hooks';
import { api, asked, Problem } from '../api/client.js';
import { words } from '../language/language.js';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { remembered, verified, type Verified } from './verify-case.js';

type Work =
  | { readonly is: 'idle' | 'working' }
  | { readonly is: 'done'; readonly result: Verified }
  | { readonly is: 'problem'; readonly problem: Problem };

/** Makes every decision of the case again in this browser, and says what that is worth. */
export function Verification({ requestId }: { readonly requestId: string }) {
  const t = words.value.case;
  const [work, setWork] = useState<Work>({ is: 'idle' });
  const verify = async (): Promise<void> => {
    setWork({ is: 'working' });
    try {
      const { keys } = await asked(api.GET('/v1/audit/keys'));
      const known = remembered();
      const text = await asked(
        api.POST('/v1/audit/exports', { body: { requestId, known, withEvidence: true }, parseAs: 'text' }),
      );
      setWork({ is: 'done', result: verified(text as unknown as string, keys, known) });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setWork({ is: 'problem', problem: error });
    }
  };
  return (
    <section aria-labelledby="verify" class="verify">
      <h2 id="verify">{t.verify}</h2>
      <p>{t.verifyAbout}</p>
      <button type="button" class="button" disabled={work.is === 'working'} onClick={() => void verify()}>
        {t.verify}
      </button>
      {work.is === 'problem' && <ProblemNotice problem={work.problem} />}
      {work.is === 'done' && <Verdict result={work.result} />}
    </section>
  );
}

function Verdict({ result: { report, bundle } }: { readonly result: Verified }) {
  const t = words.value.case;
  return (
    <div class={`notice ${report.judgement}`} role="status" data-judgement={report.judgement}>
      <p>
        <b>{t.verdicts[report.judgement]}</b> ({report.replay.reproduced} / {report.replay.decisions})
      </p>
      <ul>
        {[...report.discrepancies, ...report.undecided].map(({ code, detail, index }) => (
          <li key={`${code}${index}`}>
            <code>{code}</code> {detail}
          </li>
        ))}
      </ul>
      <p>
        <small>{t.ownCode}</small> <a href="/v1/audit/verifier">/v1/audit/verifier</a>
      </p>
      <a class="button" download="bundle.honnin" href={URL.createObjectURL(new Blob([bundle]))}>
        {t.save}
      </a>
    </div>
  );
}
