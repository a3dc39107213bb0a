/** The token of the operator in tests, and what shows it. */
export const OPERATOR_TOKEN = 'operator';
export const AS_OPERATOR = { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } } as const;
