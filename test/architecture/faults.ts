/** One kind of fault that was found in Honnin: what goes wrong, in a few words, and whether its test is still
 * missing. */
export type Fault = { readonly kind: string; readonly test?: 'not yet' };

/** Every kind of fault that was found from outside, by number. A test of a kind carries the mark with its number; then
 *  the line `test: 'not yet'` of that number goes. It is a line of its own so that two people can do so at once. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  // Certificates
  V1: { kind: 'names that cannot be compared count as different where a constraint excludes them' },
  V2: { kind: 'a form of name escapes the constraint that is meant for it' },
  V3: { kind: 'a critical extension is called processed and nothing acts upon it' },
  V4: { kind: 'a public key that is no key passes' },
  V5: { kind: 'a path length in a certificate that is no authority passes' },
  V6: { kind: 'a list of revocations speaks for certificates outside its scope' },
  V7: { kind: 'an older list in force hides a newer one that says revoked' },
  V8: { kind: 'strict DER takes what DER forbids' },
  V9: { kind: 'a guard compares the text of a name and not the name' },
  V10: { kind: 'lists of two generations of an authority are ordered by number as if of one key' },
  V11: { kind: 'the reason names another cause than the true one' },

  // Timestamps
  T1: { kind: 'a list from before the stamp speaks for the time of the stamp' },
  T2: { kind: 'the date since when a key was invalid is not used' },
  T3: { kind: 'a signer below an authority for other purposes stamps' },

  // The signed log, bundles, lists and their page
  L1: { kind: 'an honest server is called a forger' },
  L2: { kind: 'what was not verified is shown as verified' },
  L3: { kind: 'evidence that is missing or changed is forgiven' },
  L4: { kind: 'members beside the signature are read by people and compared with nothing' },
  L5: { kind: 'a verifier throws where it should name a discrepancy' },
  L6: { kind: 'text of an attacker steers the terminal that shows it' },
  L7: { kind: 'one leaf can be written in two ways' },
  L8: { kind: 'evidence is bound to the log by too short a digest' },
  L9: { kind: 'the check of the folder does not look at every file' },
  L10: { kind: 'a checkpoint with empty extension lines is taken' },
  L11: { kind: 'a misleading remark stands beside the true one' },
  L12: { kind: 'the file of a stranger makes the bundle wrong' },

  // Start, stop, settings and a long life
  O1: { kind: 'a start that failed never ends' },
  O2: { kind: 'a wrong setting is told in the wrong words, late, or not at all' },
  O3: { kind: 'production starts silently without what it needs' },
  O4: { kind: 'a rule about secret connections holds for some of them' },
  O5: { kind: 'a full disk is answered as an inner error while the server calls itself ready' },
  O6: { kind: 'material of a request that died half way stays for ever' },
  O7: { kind: 'files are private only where the program made the folder' },
  O8: { kind: 'an installation reports home' },
  O9: { kind: 'the port of the booths shows inner things' },
  O10: { kind: 'nothing says how to back up and restore' },
  O11: { kind: 'keys that are missing are made anew beside an old log' },
  O12: { kind: 'a clock that was ahead once stops all consumers without a word' },
  O13: { kind: 'a booth suspended for a while cannot come back' },
  O14: { kind: 'probes and figures miss what an operator asks' },
  O15: { kind: 'a refused setting or policy does not say how to make a right one' },
  O16: { kind: 'what an operator must do has no command' },
  O17: { kind: 'a position is taken for the identity of an event' },
  O18: { kind: 'a lost audit folder is made anew and signs a fork' },
  O19: { kind: 'a clock that goes back is not noticed' },
  O20: { kind: 'a dependency reports to its maker' },
  O21: { kind: 'a demonstration leaves personal data behind' },
  O22: { kind: 'a busy store or full disk is answered as an inner error' },
  O23: { kind: 'a consumer that stands still has no handle and no alarm' },
  O24: { kind: 'two changes from one version: the second undoes the first without a word' },
  O25: { kind: 'the write-ahead log never shrinks again' },
  O26: { kind: 'the first lines of a start leave out or garble what matters' },
  O27: { kind: 'a consumer has nothing to try against without a broker' },
  O28: { kind: 'the purpose of a look is declared and never checked' },
  O29: { kind: 'roles and subjects of a token are taken as they come' },
  O30: { kind: 'a test fails because the machine is busy' },
  O31: { kind: 'the first ten minutes are told untruly' },
  O32: { kind: 'a promise inside a library ends the process' },
  O33: { kind: 'a start while the store elects a leader ends the process' },
  O34: { kind: 'a command looks at another store than the one configured' },
  O35: { kind: 'a contract test assumes that the store holds our events alone' },
  O36: { kind: 'a shortened history is taken for the whole' },
  O37: { kind: 'any user of the store may change our streams' },
  O38: { kind: 'a read that meets a follower fails' },
  O39: { kind: 'the door answers an inner error while the store is away' },
  O40: { kind: 'an extra that is half there fails the tests' },

  // A second server
  C1: { kind: 'two installations share a store and each does half of what the log says' },
  C2: { kind: 'two installations sign different logs of one origin' },
  C3: { kind: 'two servers work on one folder' },

  // Separation of duties
  D1: { kind: 'one person alone does what cannot be undone' },
  D2: { kind: 'an erased person can be found again' },

  // Contracts that others build on
  B1: { kind: 'what a booth signs is defined by our code alone' },
  B2: { kind: 'a generated client cannot upload' },
  B3: { kind: 'the schema allows instants that the server refuses' },
  B4: { kind: 'nothing tells a booth the texts, limits and clock that it needs' },
  B5: { kind: 'the test card can be made by our code alone' },
  B6: { kind: 'a receipt number typed by a person is refused for its dashes' },
  B7: { kind: 'the published schema and the server disagree' },
  B8: { kind: 'an answer points at no place, or at the wrong one' },

  // What officers and auditors ask
  Q1: { kind: 'the decisions of a day cannot be listed with a proof that none is missing' },
  Q2: { kind: 'bounds that reach beyond the log are refused' },
  Q3: { kind: 'only one offset of time is taken' },
  Q4: { kind: 'an opinion that contradicts itself is taken for good' },
  Q5: { kind: 'an erased picture is called not found' },
  Q6: { kind: 'an opinion or a disclosure cannot carry a note' },
  Q7: { kind: 'the officer of a case is not told why' },
  Q8: { kind: 'a what-if leaves out what officers decided later' },
  Q9: { kind: 'an answer says more than was looked at' },
};
