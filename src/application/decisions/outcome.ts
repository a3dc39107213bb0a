import type { Refusal } from '../../domain/refusal.js';

/** What a command handler answers: the value, or why not. Bugs throw; everything expected is here. */
export type Outcome<T> = { readonly ok: T } | { readonly refused: Refusal };

export function ok<T>(value: T): Outcome<T> {
  return { ok: value };
}

export function refused(refusal: Refusal): { readonly refused: Refusal } {
  return { refused: refusal };
}
