// Whether people see the page. Browsers slow hidden pages down (timers, the GPU process, whole tabs), so a measurement that
// was made meanwhile says little about the device. Replies go on all the same.

/**
 * Tells now, and at each change.
 * @returns What ends it. In a worker and in Node nothing is ever told: a worker's page has to (`connect` does).
 */
export function watchVisibility(onChange: (hidden: boolean) => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  const tell = () => onChange(document.visibilityState === "hidden");
  tell();
  document.addEventListener("visibilitychange", tell);
  return () => document.removeEventListener("visibilitychange", tell);
}
