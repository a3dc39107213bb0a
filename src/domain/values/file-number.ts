/** The number of an order, a ticket, a file: where more is written about something. No names and no sentences. */
export const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$/;
