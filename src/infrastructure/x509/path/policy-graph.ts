import type { Certificate } from '../certificate/certificate.js';
import { OID } from '../asn1/oids.js';

/** The caller's inputs to policy processing (RFC 5280 section 6.1.1 c, e, f, g). */
export interface PolicyInputs {
  /** user-initial-policy-set; null means any-policy. */
  readonly acceptable: readonly string[] | null;
  readonly requireExplicitPolicy: boolean;
  readonly inhibitPolicyMapping: boolean;
  readonly inhibitAnyPolicy: boolean;
}

interface Node {
  readonly policy: string;
  expected: Set<string>;
  parents: Set<Node>;
  children: number;
}

/** Certificate policies of a path, processed from the anchor downwards.
 *
 * A graph with one node per policy and depth, not the tree of RFC 5280, because the tree grows exponentially on hostile
 * input (CVE-2023-0464) while the graph gives the same answers. Source: RFC 9618 section 5, RFC 5280 section 6.1. */
export class PolicyGraph {
  private levels: Map<string, Node>[] | null;
  private explicitPolicy: number;
  private policyMapping: number;
  private inhibitAny: number;

  /** @param pathLength number of certificates in the path without the anchor */
  constructor(
    private readonly inputs: PolicyInputs,
    private readonly pathLength: number,
  ) {
    this.levels = [new Map([[OID.anyPolicy, newNode(OID.anyPolicy, [])]])];
    this.explicitPolicy = inputs.requireExplicitPolicy ? 0 : pathLength + 1;
    this.policyMapping = inputs.inhibitPolicyMapping ? 0 : pathLength + 1;
    this.inhibitAny = inputs.inhibitAnyPolicy ? 0 : pathLength + 1;
  }

  /** Takes over what an anchor demands, as a certificate above the path would. Source: RFC 5937 section 3.2. */
  constrain({ extensions: { policyConstraints, inhibitAnyPolicy } }: Certificate): void {
    this.explicitPolicy = Math.min(this.explicitPolicy, policyConstraints?.requireExplicitPolicy ?? Infinity);
    this.policyMapping = Math.min(this.policyMapping, policyConstraints?.inhibitPolicyMapping ?? Infinity);
    this.inhibitAny = Math.min(this.inhibitAny, inhibitAnyPolicy ?? Infinity);
  }

  /** Steps 6.1.3 (d) to (f) for certificate number `index` (1 is issued by the anchor).
   *  @returns what is wrong, or null */
  process(certificate: Certificate, index: number, selfIssued: boolean): string | null {
    const policies = certificate.extensions.certificatePolicies;
    if (policies === null) this.levels = null;
    else if (this.levels !== null)
      this.addLevel(
        policies.map((p) => p.policy),
        this.inhibitAny > 0 || (index < this.pathLength && selfIssued),
      );
    return this.explicitPolicy > 0 || this.levels !== null
      ? null
      : 'no policy is valid for the whole path, and one is required';
  }

  /** Steps 6.1.4 (a), (b) and (h) to (j): what an issuing certificate changes for those below it. */
  prepareNext(certificate: Certificate, selfIssued: boolean): string | null {
    const { policyMappings } = certificate.extensions;
    if (policyMappings !== null) {
      if (policyMappings.some((m) => m.issuer === OID.anyPolicy || m.subject === OID.anyPolicy))
        return 'a policy mapping from or to anyPolicy';
      this.applyMappings(policyMappings);
    }
    if (!selfIssued) {
      this.explicitPolicy = Math.max(0, this.explicitPolicy - 1);
      this.policyMapping = Math.max(0, this.policyMapping - 1);
      this.inhibitAny = Math.max(0, this.inhibitAny - 1);
    }
    this.constrain(certificate);
    return null;
  }

  /** Wrap-up, steps 6.1.5 (a), (b), (g). @returns the policies under which the path is valid, or what is wrong */
  finish(leaf: Certificate): { readonly policies: readonly string[] } | { readonly problem: string } {
    if (this.explicitPolicy > 0) this.explicitPolicy -= 1;
    if (leaf.extensions.policyConstraints?.requireExplicitPolicy === 0) this.explicitPolicy = 0;
    const policies = this.userConstrainedPolicies();
    if (this.explicitPolicy === 0 && policies.length === 0) return { problem: 'no acceptable certificate policy' };
    return { policies };
  }

  private addLevel(policies: readonly string[], anyPolicyCounts: boolean): void {
    const previous = [...this.levels!.at(-1)!.values()];
    const level = new Map<string, Node>();
    const add = (policy: string, parents: Node[]): void => {
      if (parents.length > 0) level.set(policy, newNode(policy, parents));
    };
    for (const policy of policies) {
      if (policy === OID.anyPolicy) continue;
      const matching = previous.filter((n) => n.expected.has(policy));
      add(policy, matching.length > 0 ? matching : previous.filter((n) => n.policy === OID.anyPolicy));
    }
    if (anyPolicyCounts && policies.includes(OID.anyPolicy)) {
      for (const policy of new Set(previous.flatMap((n) => [...n.expected]))) {
        if (!level.has(policy))
          add(
            policy,
            previous.filter((n) => n.expected.has(policy)),
          );
      }
    }
    this.levels!.push(level);
    this.prune();
  }

  private applyMappings(mappings: readonly { issuer: string; subject: string }[]): void {
    if (this.levels === null) return;
    const level = this.levels.at(-1)!;
    const any = level.get(OID.anyPolicy);
    for (const issuer of new Set(mappings.map((m) => m.issuer))) {
      const node = level.get(issuer);
      if (this.policyMapping === 0) {
        if (node !== undefined) this.remove(level, node);
        continue;
      }
      const expected = new Set(mappings.filter((m) => m.issuer === issuer).map((m) => m.subject));
      if (node !== undefined) node.expected = expected;
      else if (any !== undefined) level.set(issuer, { ...newNode(issuer, [...any.parents]), expected });
    }
    this.prune();
  }

  /** Removes nodes of earlier levels that no later node rests on; an empty level means that no policy is left. */
  private prune(): void {
    const levels = this.levels!;
    for (let depth = levels.length - 2; depth >= 0; depth--) {
      for (const node of levels[depth]!.values()) if (node.children === 0) this.remove(levels[depth]!, node);
    }
    if (levels.some((level) => level.size === 0)) this.levels = null;
  }

  private remove(level: Map<string, Node>, node: Node): void {
    level.delete(node.policy);
    for (const parent of node.parents) parent.children -= 1;
  }

  /** The policies under anyPolicy are those that the authorities grant; the caller's set narrows them (6.1.5 g). */
  private userConstrainedPolicies(): string[] {
    if (this.levels === null) return [];
    const granted = new Set<string>();
    for (const level of this.levels.slice(1)) {
      for (const node of level.values())
        if (node.policy !== OID.anyPolicy && [...node.parents].some((p) => p.policy === OID.anyPolicy))
          granted.add(node.policy);
    }
    const anyAtEnd = this.levels.at(-1)!.has(OID.anyPolicy);
    const { acceptable } = this.inputs;
    if (acceptable === null || acceptable.includes(OID.anyPolicy))
      return anyAtEnd ? [...granted, OID.anyPolicy] : [...granted];
    return acceptable.filter((policy) => granted.has(policy) || anyAtEnd);
  }
}

function newNode(policy: string, parents: Node[]): Node {
  for (const parent of parents) parent.children += 1;
  return { policy, expected: new Set([policy]), parents: new Set(parents), children: 0 };
}
