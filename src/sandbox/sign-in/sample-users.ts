export type Role = 'officer' | 'auditor' | 'administrator' | 'consumer';

/** A person who can sign in here. The password equals the name: this is a stand-in for development. */
export interface SampleUser {
  readonly username: string;
  readonly displayName: string;
  readonly roles: readonly Role[];
}

/** Two officers, because a hold is decided by two who do not see each other's opinion; a third for when they
 * disagree. */
export const SAMPLE_USERS: readonly SampleUser[] = [
  { username: 'officer-a', displayName: 'Officer A', roles: ['officer'] },
  { username: 'officer-b', displayName: 'Officer B', roles: ['officer'] },
  { username: 'officer-c', displayName: 'Officer C', roles: ['officer'] },
  { username: 'auditor', displayName: 'Auditor', roles: ['auditor'] },
  { username: 'administrator', displayName: 'Administrator', roles: ['administrator'] },
  { username: 'administrator-b', displayName: 'Second administrator', roles: ['administrator'] },
  { username: 'consumer', displayName: 'A program of another system', roles: ['consumer'] },
];

export function sampleUser(username: string | null | undefined): SampleUser | undefined {
  return SAMPLE_USERS.find((user) => user.username === username);
}
