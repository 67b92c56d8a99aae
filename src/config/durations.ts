/**
 * Durations, each with its unit in its name. The code counts in milliseconds, as `Date` does. Cookies, tokens and rate
 * limits use seconds, because their libraries do.
 */
export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const minuteSeconds = 60;
export const hourSeconds = 60 * minuteSeconds;
export const daySeconds = 24 * hourSeconds;
