import { createSecretKey, hkdfSync } from 'node:crypto';
import { Pseudonyms } from '../../application/ports/audit/pseudonyms.js';
import type { Secrets } from '../../application/ports/registrant/secrets.js';
import { commitmentToken, type Person } from '../../domain/audit/log/commitment.js';
import type { KeyRing } from '../vault/key-ring.js';
import { hmacSha256 } from './digest.js';

const CACHED_MAX = 10_000;

/** Salts from the vault's keys and the server's secret. */
export class VaultPseudonyms extends Pseudonyms {
  /** People of the office are few and never erased; registrants are looked up each time, because one may be erased at
   * any moment. */
  private readonly staff = new Map<string, string>();

  constructor(
    private readonly keys: KeyRing,
    private readonly secrets: Secrets,
  ) {
    super();
  }

  override saltOf(person: Person): Uint8Array {
    return person.kind === 'registrant'
      ? registrantSalt(this.registrantKey(ownerOf(person)))
      : this.secrets.keyedHash('audit-salt', Buffer.from(`${person.kind}\n${person.id}`));
  }

  override existingSaltOf(person: Person): Uint8Array | null {
    if (person.kind !== 'registrant') return this.saltOf(person);
    const key = this.keys.existingKey(ownerOf(person));
    return key && registrantSalt(key);
  }

  override tokenOf(person: Person): string {
    if (person.kind !== 'staff') return commitmentToken(person, this.saltOf(person), hmacSha256);
    let token = this.staff.get(person.id);
    if (!token) {
      if (this.staff.size >= CACHED_MAX) this.staff.clear();
      this.staff.set(person.id, (token = commitmentToken(person, this.saltOf(person), hmacSha256)));
    }
    return token;
  }

  /** Only cases are gone for ever; a registrant that comes back gets a new key. */
  private registrantKey(owner: string): Uint8Array {
    const key = this.keys.keyFor(owner);
    if (!key) throw new Error(`the key of ${owner} is gone for ever`);
    return key;
  }
}

function ownerOf({ id }: Person): string {
  return `registrant:${id}`;
}

function registrantSalt(key: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', createSecretKey(key), Buffer.alloc(0), 'honnin/audit-salt/v1', 32));
}
