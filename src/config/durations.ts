/**
 * Lengths of time, each with its unit in its name: a name without one is nobody's. The code counts in milliseconds, as
 * `Date` does; cookies, tokens and rate limits are given seconds, since their libraries take those.
 */
export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const minuteSeconds = 60;
export const hourSeconds = 60 * minuteSeconds;
export const daySeconds = 24 * hourSeconds;
