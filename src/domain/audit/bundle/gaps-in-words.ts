/** What may be said of the completeness of a bundle. A range has earlier entries with it that its decisions need, so
 * that first and last place alone say nothing: "no gaps" is said of all of it only where every entry of the log is
 * there. */
export function gapsInWords({
  noGaps,
  leaves,
  treeSize,
}: {
  readonly noGaps: boolean;
  readonly leaves: number;
  readonly treeSize: number | null;
}): string {
  if (!noGaps) return 'gaps are not excluded';
  const absent = (treeSize ?? leaves) - leaves;
  return absent <= 0
    ? 'no gaps'
    : `no gaps in the range that was asked for; ${absent} of ${treeSize} entries of the log are not here`;
}
