import type { Opinion, Reason } from './fitting-reasons.js';

/** What an officer has chosen and not yet sent, with the key under which it is carried out once. */
export interface Draft {
  readonly opinion: Opinion | '';
  readonly reason: Reason | '';
  readonly note: string;
  readonly key: string;
}

/** Outlives a reload and an ended session, and ends with the tab. */
export function kept(requestId: string): Draft {
  const text = sessionStorage.getItem(nameOf(requestId));
  return text === null ? { opinion: '', reason: '', note: '', key: crypto.randomUUID() } : (JSON.parse(text) as Draft);
}

export function keep(requestId: string, draft: Draft): void {
  sessionStorage.setItem(nameOf(requestId), JSON.stringify(draft));
}

export function forget(requestId: string): void {
  sessionStorage.removeItem(nameOf(requestId));
}

function nameOf(requestId: string): string {
  return `honnin-opinion-${requestId}`;
}
