import type { Person } from '../../../domain/audit/log/commitment.js';

/** Salts of the commitments that stand for persons in the audit log. A registrant's salt derives from the registrant's
 * own key in the vault and is gone with it; the others derive from the server's secret. */
export abstract class Pseudonyms {
  /** 32 bytes; makes the registrant's key when there is none yet. */
  abstract saltOf(person: Person): Uint8Array;
  /** null when the registrant was erased. */
  abstract existingSaltOf(person: Person): Uint8Array | null;
  /** The token that stands for the person in leaves from now on. */
  abstract tokenOf(person: Person): string;
}
