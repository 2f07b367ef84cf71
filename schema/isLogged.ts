/** Whether to log the `count`th event of a row: the 1st, 2nd, 4th, 8th … shows an outage of any length, and fills no log. */
export const isLogged = (count: number): boolean => (count & (count - 1)) === 0
