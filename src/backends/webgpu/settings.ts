// Switches for people who look for faults: environment variables in Node; in a page or worker a global of the same name,
// set before the first load.

/** What a switch was set to. Its owner checks the value. */
export function setting(name: `FENNEC_${string}`): string | undefined {
  const global: unknown = Reflect.get(globalThis, name);
  if (typeof global === "string") return global;
  return typeof process === "undefined" ? undefined : process.env?.[name];
}
