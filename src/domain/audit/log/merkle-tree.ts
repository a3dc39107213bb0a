/** Merkle tree of RFC 9162 section 2.1 (the tree of RFC 6962): hashes are 32 bytes of SHA-256. Pure: the hash function
 * is an argument, so that the same code runs in the server, in the command line and in a browser page without a
 * network. */
export type Hash = Uint8Array;
export type HashFunction = (bytes: Uint8Array) => Hash;

/** Hash of the perfect subtree with 2^level leaves that begins at leaf `index * 2^level`. @throws when it is not
 * there. */
export type NodeReader = (level: number, index: number) => Hash;

/** Leaf and node hashes have different first bytes, so that a node can never be passed off as a leaf. RFC 9162,
 * 2.1.1. */
export interface TreeHasher {
  leaf(entry: Uint8Array): Hash;
  node(left: Hash, right: Hash): Hash;
  empty(): Hash;
}

export const HASH_BYTES = 32;

export function treeHasher(hash: HashFunction): TreeHasher {
  return {
    leaf: (entry) => {
      const bytes = new Uint8Array(entry.length + 1);
      bytes.set(entry, 1);
      return hash(bytes);
    },
    node: (left, right) => {
      const bytes = new Uint8Array(1 + 2 * HASH_BYTES);
      bytes[0] = 1;
      bytes.set(left, 1);
      bytes.set(right, 1 + HASH_BYTES);
      return hash(bytes);
    },
    empty: () => hash(new Uint8Array(0)),
  };
}

/** Thrown for a tree size or an index that no tree can have: a bug in the caller or a lie in the input. */
export class TreeRangeError extends RangeError {}

/** Sizes are counted in doubles, which hold every whole number up to 2^53; shifts of 32-bit integers would not. */
export function assertSize(size: number, name = 'tree size'): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new TreeRangeError(`not a ${name}: ${size}`);
}

/** The largest power of two smaller than `n` (n > 1): where RFC 9162 splits a tree. */
function splitPoint(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** Hash of the leaves [from, to) as the tree has it. `from` must be a multiple of the width rounded up to a power of
 * two, which every subtree of an RFC 9162 tree is. */
export function subtreeHash(hasher: TreeHasher, nodes: NodeReader, from: number, to: number): Hash {
  const width = to - from;
  if (width === 0) return hasher.empty();
  const level = Math.log2(width);
  if (Number.isInteger(level)) return nodes(level, from / width);
  const middle = from + splitPoint(width);
  return hasher.node(subtreeHash(hasher, nodes, from, middle), subtreeHash(hasher, nodes, middle, to));
}

/** Root of the tree with `size` leaves. */
export function rootHash(hasher: TreeHasher, nodes: NodeReader, size: number): Hash {
  assertSize(size);
  return subtreeHash(hasher, nodes, 0, size);
}

/** Inclusion proof, RFC 9162 section 2.1.3.1. @throws {TreeRangeError} when the tree has no such leaf. */
export function inclusionProof(
  hasher: TreeHasher,
  nodes: NodeReader,
  { index, size }: { readonly index: number; readonly size: number },
): Hash[] {
  assertSize(size);
  assertSize(index, 'leaf index');
  if (index >= size) throw new TreeRangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const path: Hash[] = [];
  for (let from = 0, to = size; to - from > 1;) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      path.unshift(subtreeHash(hasher, nodes, middle, to));
      to = middle;
    } else {
      path.unshift(subtreeHash(hasher, nodes, from, middle));
      from = middle;
    }
  }
  return path;
}

/** Root that the proof leads to, RFC 9162 section 2.1.3.2. @returns null when the proof has not the length of its
 * place. */
export function rootFromInclusion(
  hasher: TreeHasher,
  proof: readonly Hash[],
  { index, size, leaf }: { readonly index: number; readonly size: number; readonly leaf: Hash },
): Hash | null {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  let [fn, sn] = [index, size - 1];
  let root = leaf;
  for (const hash of proof) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      root = hasher.node(hash, root);
      // It ends: where fn is even it is sn, which is not 0.
      while (fn % 2 === 0) [fn, sn] = [fn / 2, half(sn)];
    } else {
      root = hasher.node(root, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? root : null;
}

/** Consistency proof, RFC 9162 section 2.1.4.1: that the tree of `first` leaves is the beginning of the tree of
 * `second`. Empty for equal sizes and for an empty first tree. */
export function consistencyProof(
  hasher: TreeHasher,
  nodes: NodeReader,
  { first, second }: { readonly first: number; readonly second: number },
): Hash[] {
  assertSize(first);
  assertSize(second);
  if (first > second) throw new TreeRangeError(`a tree of ${second} leaves has no beginning of ${first}`);
  if (first === 0 || first === second) return [];
  const proof: Hash[] = [];
  let [from, to, isWhole] = [0, second, true];
  while (first !== to) {
    const middle = from + splitPoint(to - from);
    if (first <= middle) {
      proof.unshift(subtreeHash(hasher, nodes, middle, to));
      to = middle;
    } else {
      proof.unshift(subtreeHash(hasher, nodes, from, middle));
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) proof.unshift(subtreeHash(hasher, nodes, from, to));
  return proof;
}

/** Whether the second tree begins with the first, RFC 9162 section 2.1.4.2. */
export function isConsistent(
  hasher: TreeHasher,
  proof: readonly Hash[],
  trees: { readonly first: number; readonly firstRoot: Hash; readonly second: number; readonly secondRoot: Hash },
): boolean {
  const { first, second, firstRoot, secondRoot } = trees;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second) || first < 0 || first > second) return false;
  if (first === second) return proof.length === 0 && sameHash(firstRoot, secondRoot);
  if (first === 0) return proof.length === 0 && sameHash(firstRoot, hasher.empty());
  const isPowerOfTwo = Number.isInteger(Math.log2(first));
  const path = isPowerOfTwo ? [firstRoot, ...proof] : [...proof];
  const start = path.shift();
  if (start === undefined) return false;
  let [fn, sn] = [first - 1, second - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [start, start];
  for (const hash of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = hasher.node(hash, fr);
      sr = hasher.node(hash, sr);
      while (fn % 2 === 0) [fn, sn] = [fn / 2, half(sn)];
    } else {
      sr = hasher.node(sr, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameHash(fr, firstRoot) && sameHash(sr, secondRoot);
}

/** One proof for many leaves: the hashes of the largest subtrees that hold none of them, from left to right. For one
 * leaf it has the hashes of its inclusion proof; for a contiguous range it is the range proof, a few hashes for any
 * number of leaves.
 * @param indices ascending, without repetition */
export function setProof(
  hasher: TreeHasher,
  nodes: NodeReader,
  { indices, size }: { readonly indices: readonly number[]; readonly size: number },
): Hash[] {
  assertIndices(indices, size);
  const proof: Hash[] = [];
  const walk = (from: number, to: number, first: number, last: number): void => {
    if (first === last) return void proof.push(subtreeHash(hasher, nodes, from, to));
    if (last - first === to - from) return;
    const middle = from + splitPoint(to - from);
    const cut = lowerBound(indices, middle, first, last);
    walk(from, middle, first, cut);
    walk(middle, to, cut, last);
  };
  if (size > 0) walk(0, size, 0, indices.length);
  return proof;
}

/** Root that a set proof leads to. @returns null when the proof has too few or too many hashes. */
export function rootFromSet(
  hasher: TreeHasher,
  proof: readonly Hash[],
  {
    indices,
    size,
    leafAt,
  }: { readonly indices: readonly number[]; readonly size: number; readonly leafAt: (place: number) => Hash },
): Hash | null {
  assertIndices(indices, size);
  if (size === 0) return proof.length === 0 ? hasher.empty() : null;
  let used = 0;
  const walk = (from: number, to: number, first: number, last: number): Hash | null => {
    if (first === last) return proof[used++] ?? null;
    if (to - from === 1) return leafAt(first);
    const middle = from + splitPoint(to - from);
    const cut = lowerBound(indices, middle, first, last);
    const left = walk(from, middle, first, cut);
    const right = left && walk(middle, to, cut, last);
    return left && right && hasher.node(left, right);
  };
  const root = walk(0, size, 0, indices.length);
  return used === proof.length ? root : null;
}

/** A tree that only grows at its right edge and keeps one hash per level: constant memory for any number of leaves. */
export class GrowingTree {
  private edge: (Hash | null)[] = [];
  private leaves = 0;

  constructor(
    private readonly hasher: TreeHasher,
    /** Told each perfect subtree as soon as it is complete, leaves included. */
    private readonly onNode: (level: number, index: number, hash: Hash) => void = () => {},
  ) {}

  /** Goes on from a tree that was stored. */
  static resume(
    hasher: TreeHasher,
    nodes: NodeReader,
    size: number,
    onNode?: (level: number, index: number, hash: Hash) => void,
  ): GrowingTree {
    const tree = new GrowingTree(hasher, onNode);
    tree.leaves = size;
    for (let level = 0, rest = size; rest > 0; level += 1, rest = half(rest))
      tree.edge.push(rest % 2 === 1 ? nodes(level, rest - 1) : null);
    return tree;
  }

  get size(): number {
    return this.leaves;
  }

  append(leaf: Hash): void {
    let hash = leaf;
    let index = this.leaves;
    let level = 0;
    this.onNode(0, index, hash);
    for (; index % 2 === 1; level += 1) {
      hash = this.hasher.node(this.edge[level] as Hash, hash);
      this.edge[level] = null;
      index = half(index);
      this.onNode(level + 1, index, hash);
    }
    this.edge[level] = hash;
    this.leaves += 1;
  }

  root(): Hash {
    let root: Hash | null = null;
    for (const hash of this.edge) if (hash) root = root === null ? hash : this.hasher.node(hash, root);
    return root ?? this.hasher.empty();
  }
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function assertIndices(indices: readonly number[], size: number): void {
  assertSize(size);
  for (let i = 0; i < indices.length; i += 1) {
    const index = indices[i] as number;
    if (!Number.isSafeInteger(index) || index < 0 || index >= size || (i > 0 && index <= (indices[i - 1] as number)))
      throw new TreeRangeError(`not an ascending list of leaves of a tree of ${size}`);
  }
}

/** First place in [first, last) whose index is not below `value`. */
function lowerBound(indices: readonly number[], value: number, first: number, last: number): number {
  let [low, high] = [first, last];
  while (low < high) {
    const middle = half(low + high);
    if ((indices[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
