export interface Readiness {
  /** Whether it should get requests. */
  readonly ok: boolean;
  /** It does its work, and something needs a person. */
  readonly degraded?: boolean;
  /** By part: whether it works, and in plain words what does not. No secrets, no addresses with credentials. */
  readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

/** The names of the parts that are not ok: all that people without the token of the operator are told. */
export function troublesOf({ parts }: Readiness): readonly string[] {
  return Object.entries(parts)
    .filter(([, { ok }]) => !ok)
    .map(([name]) => name);
}

/** Says whether this server can do its work now. Asked often: it answers from what is known, within a second. */
export abstract class HealthChecks {
  abstract ready(): Promise<Readiness>;
  /** Whether requests are taken in; when not, the door answers `not_accepting`. */
  isAccepting(): boolean {
    return true;
  }
}
