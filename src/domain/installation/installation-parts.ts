import type { InstallationEvent } from './installation.events.js';

export type InstallationClaim = InstallationEvent['data'];

/** A key file as it is found: its check value, or null where there is no file. */
export interface FoundKey {
  readonly file: string;
  readonly check: string | null;
}

/** What a start finds of each part, before it makes or changes anything. */
export interface FoundParts {
  readonly log: {
    /** In words: `the event log /srv/honnin/events.db`. */
    readonly name: string;
    /** Events in it; null: some, and this store does not count them. */
    readonly events: number | null;
    readonly claim: InstallationClaim | null;
    /** Name of the signed log since the last loss that was accepted; null: none was. */
    readonly originAfterLoss: string | null;
  };
  readonly origin: string;
  readonly masterKey: FoundKey;
  readonly serverSecret: FoundKey;
  readonly logKeys: {
    readonly publicFolder: string;
    /** SHA-256 of the first public key; null where there is none. */
    readonly firstSha256: string | null;
    /** File of the newest secret key; it is looked for only where there are public keys. */
    readonly secretFile: string;
    readonly isSecretThere: boolean;
  };
  readonly vault: {
    readonly file: string;
    readonly isThere: boolean;
    readonly owners: number;
    /** The installation that this key ring is marked with; `isClaimed` once the log says the same. */
    readonly mark: { readonly installationId: string; readonly isClaimed: boolean } | null;
    /** Keys made and destroyed since the mark. */
    readonly changes: number;
    readonly sealedFolder: string;
    readonly isSealedThere: boolean;
    /** Cards and tombstones that were marked under the key of tombstones, and whether it is there and opens. */
    readonly tombstones: { readonly marks: number; readonly key: 'there' | 'missing' | 'damaged' };
  };
  readonly audit: { readonly folder: string; readonly entries: number };
  readonly readModel: {
    readonly file: string;
    readonly installationId: string | null;
    /** Whether any consumer has a position in it. */
    readonly isUsed: boolean;
    /** Changes of the key ring that the last start or end saw; null where none was noted. */
    readonly vaultChanges: number | null;
  };
}

export type PartsVerdict =
  /** Nothing of an installation is there: everything may be made. `installationId`: of a first start cut short. */
  | { readonly is: 'first'; readonly installationId: string | null }
  /** An installation that is older than the claim, with all its parts. */
  | { readonly is: 'unclaimed'; readonly installationId: string | null }
  | { readonly is: 'claimed'; readonly claim: InstallationClaim }
  /** One sentence for each part: what is wrong with it, and what to do. */
  | { readonly is: 'refused'; readonly problems: readonly string[] };

/** Whether the parts that a start finds belong together. Only where nothing is there of an earlier start may anything
 *  be made anew: a new key beside an old log would make strangers of all that the old one knew. @req R23 */
export function judgeParts(found: FoundParts): PartsVerdict {
  const { claim } = found.log;
  if (claim) return refusedOr(claimedProblems(found, claim), { is: 'claimed', claim });
  const installationId = found.vault.mark?.installationId ?? null;
  if (found.log.events === 0) return refusedOr(lostLogProblems(found), { is: 'first', installationId });
  return refusedOr(unclaimedProblems(found), { is: 'unclaimed', installationId });
}

function refusedOr(problems: readonly string[], otherwise: PartsVerdict): PartsVerdict {
  return problems.length > 0 ? { is: 'refused', problems } : otherwise;
}

/** The log names its installation: every part must be that one's. */
function claimedProblems(found: FoundParts, claim: InstallationClaim): string[] {
  const { masterKey, serverSecret, logKeys, vault, readModel } = found;
  const { installationId } = claim;
  const whose = `${inWords(found)} of installation ${installationId}`;
  if (vault.mark && vault.mark.installationId !== installationId) {
    return [
      `${whose} is not this data folder's: ${vault.file} belongs to installation ${vault.mark.installationId}; ` +
        'one store serves one installation: give this one a store of its own, or restore the folder that belongs to it',
    ];
  }
  if (masterKey.check === null && serverSecret.check === null && !vault.isThere && logKeys.firstSha256 === null) {
    return [
      `${whose} and this data folder holds no keys: restore keys, vault and audit folder from the backup; ` +
        'where this is to be another installation, give it a store of its own',
    ];
  }
  return [
    ...keyProblems(whose, 'master key', masterKey, claim.masterKeyCheck),
    ...keyProblems(whose, 'server secret', serverSecret, claim.serverSecretCheck),
    ...originProblems(found.origin, found.log.originAfterLoss ?? claim.origin),
    ...logKeyProblems(whose, logKeys, claim.logKeySha256),
    ...vaultProblems(whose, vault, readModel),
    // Under another master key no key opens, which is said already.
    ...(masterKey.check === claim.masterKeyCheck ? tombstoneProblems(vault) : []),
    ...readModelProblems(readModel, installationId),
  ];
}

function originProblems(origin: string, claimed: string): string[] {
  if (origin === claimed) return [];
  return [
    `HONNIN_AUDIT_ORIGIN is ${origin} and the signed log is ${claimed}: set it back; a log never changes its name`,
  ];
}

/** It can be thrown away, but not taken for what it is not: its positions say what was done already. */
function readModelProblems({ file, installationId, isUsed }: FoundParts['readModel'], claimed: string): string[] {
  if (installationId === claimed || (installationId === null && !isUsed)) return [];
  const whose =
    installationId === null
      ? 'is older than the claim of this installation'
      : `belongs to installation ${installationId}`;
  return [`${file} ${whose}: restore the right one, or remove it; it is built again from the events`];
}

function keyProblems(whose: string, what: string, { file, check }: FoundKey, claimed: string): string[] {
  if (check === null) return [`${whose} and no ${what}: ${file} is missing; restore it from the backup of the keys`];
  return check === claimed
    ? []
    : [`${file} is not the ${what} of this installation: restore the right one from the backup of the keys`];
}

function logKeyProblems(
  whose: string,
  { publicFolder, firstSha256, secretFile, isSecretThere }: FoundParts['logKeys'],
  claimed: string | null,
): string[] {
  if (firstSha256 === null) {
    return [
      `${whose} and no public keys of the signed log: ${publicFolder} is missing or empty; restore the audit folder`,
    ];
  }
  if (claimed !== null && firstSha256 !== claimed) {
    return [
      `${publicFolder} begins with another key than this installation's signed log: restore the right audit folder`,
    ];
  }
  if (isSecretThere) return [];
  return [`${whose} and no key that signs it: ${secretFile} is missing; restore it from the backup of the keys`];
}

function vaultProblems(
  whose: string,
  { file, isThere, mark, changes, sealedFolder, isSealedThere }: FoundParts['vault'],
  { vaultChanges }: FoundParts['readModel'],
): string[] {
  if (!isThere) return [`${whose} and no vault: ${file} is missing; restore the vault from the backup`];
  if (mark === null) {
    return [
      `${file} is older than the claim of this installation, or was made anew: restore the newest copy of the vault`,
    ];
  }
  if (vaultChanges !== null && changes < vaultChanges) {
    return [
      `${file} is an older copy: it knows of ${changes} changes of keys, and the server has seen ${vaultChanges}; ` +
        'restore the newest copy of the vault, or keys that were destroyed come back',
    ];
  }
  return isSealedThere
    ? []
    : [`${whose} and no sealed files: ${sealedFolder} is missing; restore the vault from the backup`];
}

/** With another key nobody who was erased would be known as erased before, and nothing would say so. */
function tombstoneProblems({ file, tombstones: { marks, key } }: FoundParts['vault']): string[] {
  if (marks === 0 || key === 'there') return [];
  return [
    `${file} holds ${marks} marks of cards and tombstones, and the key of tombstones, under which they were made, is ` +
      `${key}: restore ${file} from the newest backup of the keys, or nobody is known as erased before any more`,
  ];
}

/** There is no event. So nothing else may tell of an earlier life. */
function lostLogProblems({ log, vault, audit, readModel }: FoundParts): string[] {
  const restore = `${log.name} is empty: restore it from the backup, or begin in an empty data folder`;
  return [
    ...(vault.mark?.isClaimed
      ? [`${vault.file} belongs to installation ${vault.mark.installationId}, and ${restore}`]
      : []),
    ...(!vault.mark?.isClaimed && vault.owners > 0
      ? [`${vault.file} holds keys of ${vault.owners} owners, and ${restore}`]
      : []),
    ...(audit.entries > 0 ? [`${audit.folder} holds a signed log of ${audit.entries} entries, and ${restore}`] : []),
    ...(readModel.isUsed ? [`${readModel.file} was built from events, and ${restore}`] : []),
  ];
}

/** Events from before there were claims: an installation that has worked has made all of its keys. */
function unclaimedProblems(found: FoundParts): string[] {
  const { masterKey, serverSecret, logKeys, vault } = found;
  const whose = inWords(found);
  if (vault.mark?.isClaimed) {
    return [
      `${vault.file} belongs to installation ${vault.mark.installationId}, and ${found.log.name} does not name it: ` +
        'it is an older copy or another log; restore the newest one',
    ];
  }
  if (masterKey.check === null && serverSecret.check === null && !vault.isThere && logKeys.firstSha256 === null) {
    return [`${whose} and no keys: restore keys, vault and audit folder from the backup`];
  }
  return [
    ...(masterKey.check === null ? keyProblems(whose, 'master key', masterKey, '') : []),
    ...(serverSecret.check === null ? keyProblems(whose, 'server secret', serverSecret, '') : []),
    ...logKeyProblems(whose, logKeys, null),
    ...(vault.isThere ? [] : [`${whose} and no vault: ${vault.file} is missing; restore the vault from the backup`]),
    ...tombstoneProblems(vault),
  ];
}

function inWords({ log: { name, events } }: FoundParts): string {
  return `${name} has ${events === null ? 'events' : events === 1 ? '1 event' : `${events} events`}`;
}
