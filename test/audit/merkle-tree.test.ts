import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  GrowingTree,
  consistencyProof,
  inclusionProof,
  isConsistent,
  rootFromInclusion,
  rootFromSet,
  rootHash,
  sameHash,
  setProof,
  treeHasher,
  type Hash,
  type NodeReader,
} from '../../src/domain/audit/log/merkle-tree.js';

const hasher = treeHasher((bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()));
const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex');
const flipped = (hash: Uint8Array) => Uint8Array.from(hash, (b, i) => (i === 7 ? b ^ 1 : b));

/** The definition of RFC 9162 section 2.1.1, written down as it stands and independent of the code under test. */
function naiveRoot(leaves: readonly Uint8Array[]): Hash {
  const sha = (...parts: Uint8Array[]) => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return sha(Uint8Array.of(0), leaves[0] as Uint8Array);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}
/** Section 2.1.3.1, likewise. */
function naivePath(m: number, leaves: readonly Uint8Array[]): Hash[] {
  if (leaves.length <= 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}
/** Section 2.1.4.1, likewise. */
function naiveConsistency(m: number, leaves: readonly Uint8Array[], whole = true): Hash[] {
  if (m === leaves.length) return whole ? [] : [naiveRoot(leaves)];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return m <= k
    ? [...naiveConsistency(m, leaves.slice(0, k), whole), naiveRoot(leaves.slice(k))]
    : [...naiveConsistency(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
}

function leavesOf(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, i) => Buffer.from(`leaf ${i}`));
}

function treeOf(leaves: readonly Uint8Array[]): { nodes: NodeReader; tree: GrowingTree } {
  const stored = new Map<string, Hash>();
  const tree = new GrowingTree(hasher, (level, index, hash) => stored.set(`${level}/${index}`, hash));
  for (const leaf of leaves) tree.append(hasher.leaf(leaf));
  const nodes: NodeReader = (level, index) => {
    const hash = stored.get(`${level}/${index}`);
    if (!hash) throw new Error(`no node ${level}/${index}`);
    return hash;
  };
  return { nodes, tree };
}

describe('the Merkle tree', () => {
  // The leaves and roots that implementations of RFC 6962 have been tested with since Certificate Transparency began.
  const LEAVES = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ].map((h) => Buffer.from(h, 'hex'));
  const ROOTS = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  it.each(ROOTS.map((root, size) => [size, root] as const))('has the published root for %i leaves', (size, root) => {
    const { nodes, tree } = treeOf(LEAVES.slice(0, size));
    expect(hex(rootHash(hasher, nodes, size))).toBe(root);
    expect(hex(tree.root())).toBe(root);
  });

  it('has the published inclusion and consistency proofs', () => {
    const { nodes } = treeOf(LEAVES);
    expect(inclusionProof(hasher, nodes, { index: 5, size: 8 }).map(hex)).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
    expect(consistencyProof(hasher, nodes, { first: 6, second: 8 }).map(hex)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });

  const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129];
  it.each(SIZES)('agrees with the definition for every proof at size %i', (size) => {
    const leaves = leavesOf(size);
    const { nodes, tree } = treeOf(leaves);
    const root = tree.root();
    expect(hex(root)).toBe(hex(naiveRoot(leaves)));
    for (let index = 0; index < size; index += 1) {
      const proof = inclusionProof(hasher, nodes, { index, size });
      expect(proof.map(hex)).toEqual(naivePath(index, leaves).map(hex));
      const leaf = hasher.leaf(leaves[index] as Uint8Array);
      const led = rootFromInclusion(hasher, proof, { index, size, leaf });
      expect(led && hex(led)).toBe(hex(root));
    }
    for (let first = 0; first <= size; first += 1) {
      const proof = consistencyProof(hasher, nodes, { first, second: size });
      if (first > 0) expect(proof.map(hex)).toEqual(naiveConsistency(first, leaves).map(hex));
      expect(
        isConsistent(hasher, proof, {
          first,
          firstRoot: naiveRoot(leaves.slice(0, first)),
          second: size,
          secondRoot: root,
        }),
      ).toBe(true);
    }
  });

  it('goes on from what was stored as if it had never stopped', () => {
    for (const size of SIZES) {
      const all = treeOf(leavesOf(size + 5));
      const resumed = GrowingTree.resume(hasher, all.nodes, size);
      for (const leaf of leavesOf(size + 5).slice(size)) resumed.append(hasher.leaf(leaf));
      expect(hex(resumed.root())).toBe(hex(all.tree.root()));
    }
  });

  it('proves any set of leaves at once, and a range with few hashes', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 300 })
          .chain((size) => fc.tuple(fc.constant(size), fc.uniqueArray(fc.integer({ min: 0, max: size - 1 })))),
        ([size, set]) => {
          const indices = set.toSorted((a, b) => a - b);
          const leaves = leavesOf(size);
          const { nodes, tree } = treeOf(leaves);
          const proof = setProof(hasher, nodes, { indices, size });
          const root = rootFromSet(hasher, proof, {
            indices,
            size,
            leafAt: (place) => hasher.leaf(leaves[indices[place] as number] as Uint8Array),
          });
          expect(root && hex(root)).toBe(hex(tree.root()));
        },
      ),
      { seed: 20261123, numRuns: 150 },
    );
    const { nodes } = treeOf(leavesOf(4000));
    const range = Array.from({ length: 2000 }, (_, i) => i + 777);
    expect(setProof(hasher, nodes, { indices: range, size: 4000 }).length).toBeLessThanOrEqual(24);
  });

  it('is not led to the root by a proof with a hash more or less, whatever it proves', () => {
    for (const size of [1, 2, 3, 7, 8, 13]) {
      const leaves = leavesOf(size);
      const { nodes, tree } = treeOf(leaves);
      const leafAt = (place: number) => hasher.leaf(leaves[place] as Uint8Array);
      const [more, root] = [hasher.leaf(Buffer.from('more')), tree.root()];
      for (const indices of [[], [0], Array.from(leaves.keys())]) {
        const proof = setProof(hasher, nodes, { indices, size });
        expect(rootFromSet(hasher, [...proof, more], { indices, size, leafAt })).toBeNull();
        if (proof.length > 0) expect(rootFromSet(hasher, proof.slice(1), { indices, size, leafAt })).toBeNull();
      }
      for (let first = 0; first <= size; first += 1) {
        const firstRoot = rootHash(hasher, nodes, first);
        const trees = { first, firstRoot, second: size, secondRoot: root };
        const proof = consistencyProof(hasher, nodes, { first, second: size });
        expect(isConsistent(hasher, proof, trees)).toBe(true);
        expect(isConsistent(hasher, [...proof, more], trees)).toBe(false);
        if (proof.length > 0) expect(isConsistent(hasher, proof.slice(1), trees)).toBe(false);
        expect(isConsistent(hasher, [], trees)).toBe(proof.length === 0);
        expect(isConsistent(hasher, proof, { ...trees, firstRoot: more })).toBe(false);
      }
    }
  });

  it('is not led to the root by a changed leaf, a changed proof, another index or another size', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: 200 })
          .chain((size) =>
            fc.tuple(
              fc.constant(size),
              fc.integer({ min: 0, max: size - 1 }),
              fc.nat(),
              fc.integer({ min: 1, max: size - 1 }),
            ),
          ),
        ([size, index, pick, first]) => {
          const leaves = leavesOf(size);
          const { nodes, tree } = treeOf(leaves);
          const root = tree.root();
          const leaf = hasher.leaf(leaves[index] as Uint8Array);
          const proof = inclusionProof(hasher, nodes, { index, size });
          const leads = (p: Hash[], place: { index: number; size: number; leaf: Hash }) => {
            const led = rootFromInclusion(hasher, p, place);
            return led !== null && sameHash(led, root);
          };
          const broken = proof.map((h, i) => (i === pick % proof.length ? flipped(h) : h));
          expect(leads(broken, { index, size, leaf })).toBe(false);
          expect(leads(proof, { index, size, leaf: flipped(leaf) })).toBe(false);
          expect(leads(proof, { index: (index + 1) % size, size, leaf })).toBe(false);
          expect(leads(proof.slice(1), { index, size, leaf })).toBe(false);
          expect(leads([...proof, root], { index, size, leaf })).toBe(false);
          const trees = { first, firstRoot: naiveRoot(leaves.slice(0, first)), second: size, secondRoot: root };
          const chain = consistencyProof(hasher, nodes, { first, second: size });
          expect(isConsistent(hasher, chain, trees)).toBe(true);
          expect(isConsistent(hasher, chain, { ...trees, firstRoot: flipped(trees.firstRoot) })).toBe(false);
          expect(isConsistent(hasher, chain, { ...trees, secondRoot: flipped(root) })).toBe(false);
          expect(
            isConsistent(
              hasher,
              chain.map((h, i) => (i === pick % chain.length ? flipped(h) : h)),
              trees,
            ),
          ).toBe(false);
          expect(isConsistent(hasher, chain.slice(1), trees)).toBe(false);
        },
      ),
      { seed: 20261123, numRuns: 150 },
    );
  });

  it('counts beyond 2^32 leaves', () => {
    const size = 2 ** 40 + 3;
    // A tree of equal leaves has one hash per level, which makes a reader of any size.
    const levels: Hash[] = [hasher.leaf(Buffer.from('x'))];
    while (levels.length < 42) levels.push(hasher.node(levels.at(-1) as Hash, levels.at(-1) as Hash));
    const nodes: NodeReader = (level) => levels[level] as Hash;
    const leaf = levels[0] as Hash;
    const index = 2 ** 40 + 1;
    const root = rootFromInclusion(hasher, inclusionProof(hasher, nodes, { index, size }), { index, size, leaf });
    expect(root && hex(root)).toBe(hex(rootHash(hasher, nodes, size)));
  });
});
