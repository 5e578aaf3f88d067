// What the node says, where it stands on its own. Pure.

/** Names stay as they are: a setting with an underscore, or what stands in quotes. */
export function asSentence(message: string): string {
  const begun = message.replace(
    /^[a-z]+(?=[ ,]|$)/,
    (word) => word.charAt(0).toUpperCase() + word.slice(1),
  );
  return /(^|[.!?…])$/.test(begun) ? begun : `${begun}.`;
}
