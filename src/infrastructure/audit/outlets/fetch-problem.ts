/** What went wrong with a `fetch`, in words: the error itself only says "fetch failed" and hides why. */
export function fetchProblem(error: unknown): string {
  const { cause, message } = error as {
    readonly cause?: { readonly message?: string; readonly code?: string };
    readonly message?: string;
  };
  return cause?.message || cause?.code || message || String(error);
}
