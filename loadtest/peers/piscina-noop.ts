/** What piscina runs in its threads. */
export default function noop(): null {
  return null;
}
