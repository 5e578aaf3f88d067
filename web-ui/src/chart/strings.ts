// The words of charts: fetched with the pages that have some.

export const chartStrings = {
  line: "Line",
  now: "Now",
  least: "Least",
  most: "Most",
  lost: "The chart could not be loaded.",
};
