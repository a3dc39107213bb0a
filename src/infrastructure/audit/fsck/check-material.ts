import type { DatabaseSync } from 'node:sqlite';
import { evidenceOwner, registrantOwner } from '../../../application/case/case-material.js';
import { materialFault } from '../../../application/case/material-fault.js';
import type { ImageVault, VaultOwner } from '../../../application/ports/registrant/image-vault.js';
import { ReceivedMaterial } from '../../../application/door/received-material.js';
import { isEvidenceOf } from '../../../application/case/sealed-evidence.js';
import type { EvidenceName } from '../../../domain/audit/replay/evidence-name.js';
import type { BoothEvent } from '../../../domain/booth/booth.events.js';
import { fold } from '../../../domain/decider.js';
import type { EventMetadata, JsonObject } from '../../../domain/event-envelope.js';
import { upcast } from '../../../domain/event-registry.js';
import { registrationDecider, type RegistrationState } from '../../../domain/registration/registration.js';
import type { RegistrationEvent } from '../../../domain/registration/registration.events.js';

export interface MaterialProblem {
  readonly code: 'material_differs' | 'material_missing';
  readonly detail: string;
}

interface Row {
  readonly position: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: string;
  readonly metadata: string;
}

type Stored = { readonly position: number; readonly metadata: EventMetadata } & RegistrationEvent;

const PAGE = 500;
const BLOBS = ['photo', 'certificate', 'cardRecord', 'cardIssuerCertificate'] as const;

/** Opens everything that is still owed to a request (what the booth sent, until the case is over; the evidence of a
 * verdict, until it is erased) and compares it with what the events commit to. Reads only, beside a running server:
 * what looks wrong is looked at again, because a case may end while it is read.
 * @returns how many requests had something to compare */
export async function checkMaterial(
  database: DatabaseSync,
  vault: ImageVault,
  report: (problem: MaterialProblem) => void,
): Promise<number> {
  const check = new MaterialCheck(database, vault);
  const streams = database.prepare(
    "SELECT no, name FROM streams WHERE no > ? AND name LIKE 'registration-%' ORDER BY no LIMIT ?",
  );
  let compared = 0;
  for (let no = 0; ;) {
    const page = streams.all(no, PAGE) as { no: number; name: string }[];
    if (page.length === 0) return compared;
    for (const stream of page) {
      no = stream.no;
      const found = await check.problems(stream.name);
      compared += found.owed > 0 ? 1 : 0;
      const again = found.problems.length > 0 ? await check.problems(stream.name) : found;
      for (const problem of again.problems) report(problem);
    }
  }
}

class MaterialCheck {
  private readonly received: ReceivedMaterial;

  constructor(
    private readonly database: DatabaseSync,
    private readonly vault: ImageVault,
  ) {
    this.received = new ReceivedMaterial(
      vault,
      async (boothId) => this.events(`booth-${boothId}`) as unknown as readonly BoothEvent[],
    );
  }

  async problems(stream: string): Promise<{ readonly owed: number; readonly problems: readonly MaterialProblem[] }> {
    const events = this.events(stream);
    const state = fold(registrationDecider, events);
    if (state.stage === 'none') return { owed: 0, problems: [] };
    const { requestId } = state.request;
    const owed = [...this.ofCase(state), ...this.ofEvidence(state, events)];
    // By what they say: a signed text that is wrong is found with each part that it names.
    const problems = new Map<string, MaterialProblem>();
    for (const open of owed) {
      const fault = await open().then(
        () => null,
        (error: unknown) => {
          const found = materialFault(error, 'export');
          if (found === null) throw error;
          return found;
        },
      );
      if (fault === null) continue;
      const what = `request ${requestId}: ${fault.material.replaceAll('_', ' ')}`;
      problems.set(
        what,
        fault.fault === 'missing'
          ? { code: 'material_missing', detail: `${what} is gone, and nobody erased it` }
          : { code: 'material_differs', detail: `${what} is not what was received (${fault.difference})` },
      );
    }
    return { owed: owed.length, problems: [...problems.values()] };
  }

  /** Each part for itself, so that each that is wrong is named. */
  private ofCase(state: Exclude<RegistrationState, { stage: 'none' }>): (() => Promise<unknown>)[] {
    if (state.stage === 'closed' && state.stop === null) return [];
    // What was stopped after its end may have lost nothing but evidence: its own material went with the end.
    if (
      state.stage === 'closed' &&
      (state.stop?.material === 'certificate_evidence' || state.stop?.material === 'registered_image')
    )
      return [];
    const { request } = state;
    return [
      ...BLOBS.map((blob) => () => this.received.open(request, [blob])),
      async () => this.received.frames(request, (await this.received.open(request, [])).signed),
    ];
  }

  private ofEvidence(
    state: Exclude<RegistrationState, { stage: 'none' }>,
    events: readonly Stored[],
  ): (() => Promise<unknown>)[] {
    const verdict = events.find(
      (event) => event.type === 'CertificateVerified' || event.type === 'CertificateRejected',
    );
    if (!verdict || (verdict.type !== 'CertificateVerified' && verdict.type !== 'CertificateRejected')) return [];
    const { sealedEvidenceId: id, sealedEvidenceSha256: sha256 } = verdict.data;
    if (id === null) return [];
    if (verdict.type === 'CertificateVerified') {
      const { subjectKey } = verdict.data;
      return this.isErasedAfter(subjectKey, verdict.position)
        ? []
        : [this.evidence(registrantOwner(subjectKey), { id, sha256 }, verdict.metadata)];
    }
    const kept = state.stage === 'closed' ? state.refusedEvidence : null;
    // Its key goes when it is due, and the event that says so comes after.
    const isOver =
      kept === null || kept.isErased || (kept.eraseAtUtc !== null && Date.parse(kept.eraseAtUtc) <= Date.now());
    return isOver
      ? []
      : [this.evidence(evidenceOwner(verdict.metadata.correlationId), { id, sha256 }, verdict.metadata)];
  }

  private evidence(owner: VaultOwner, name: EvidenceName, { causationId }: EventMetadata): () => Promise<unknown> {
    return () => this.vault.open(owner, name.id, { isNamedAfter: (bytes) => isEvidenceOf(name, causationId, bytes) });
  }

  private isErasedAfter(registrant: string, position: number): boolean {
    const found = this.database
      .prepare(
        "SELECT 1 FROM events e JOIN streams s ON s.no = e.stream_no WHERE s.name = ? AND e.type = 'RegistrantErased' AND (e.position > ? OR json_extract(e.data, '$.tombstone') IS NOT NULL) LIMIT 1",
      )
      .get(`registrant-${registrant}`, position);
    return found !== undefined;
  }

  private events(stream: string): readonly Stored[] {
    const rows = this.database
      .prepare(
        'SELECT e.position, e.type, e.schema_version AS schemaVersion, e.data, e.metadata FROM events e JOIN streams s ON s.no = e.stream_no WHERE s.name = ? ORDER BY e.revision',
      )
      .all(stream) as unknown as Row[];
    return rows.map(
      ({ position, type, schemaVersion, data, metadata }) =>
        ({
          ...upcast({ type, schemaVersion, data: JSON.parse(data) as JsonObject }),
          position,
          metadata: JSON.parse(metadata) as EventMetadata,
        }) as unknown as Stored,
    );
  }
}
