/**
 * Counting: series of numbers as plain data.
 *
 * Made for the path of a request: adding to a series that exists allocates nothing.
 *
 * Invariants:
 *   N1. A metric has at most `MAX_SERIES` series, whatever user code puts into labels; the rest is counted as `other`.
 *   N2. Numbers add up: merging loses nothing.
 */
import { isUserKey, type Label, type Series, type SeriesByKey } from "../protocol/metrics.ts";

/** How many series of one metric a replica has, besides `other`. */
export const MAX_SERIES = 64;
/** How many of one of the application's own. */
export const MAX_SERIES_OF_ONE = 100;

/** The numbers of the series with these labels, to be added to; a new series begins at 0. */
export function numbersAt(series: Series[], first?: Label, second?: Label, third?: Label): number[] {
  return find(series, first, second, third) ?? begin(series, [first, second, third]);
}

function find(series: readonly Series[], first?: Label, second?: Label, third?: Label): number[] | undefined {
  for (let index = 0; index < series.length; index++) {
    const [labels, numbers] = series[index]!;
    if (labels[0] === first && labels[1] === second && labels[2] === third) return numbers;
  }
  return undefined;
}

function begin(series: Series[], given: readonly (Label | undefined)[]): number[] {
  return numbersOf(
    series,
    given.filter((label) => label !== undefined),
    MAX_SERIES,
  );
}

/** The same for any number of labels, and any limit. */
export function numbersOf(series: Series[], labels: readonly Label[], most: number): number[] {
  const known = seriesOf(series, labels);
  if (known !== undefined) return known[1];
  const others = series.length < most ? labels : labels.map(() => "other");
  const other = others === labels ? undefined : seriesOf(series, others);
  if (other !== undefined) return other[1];
  const numbers = [0];
  series.push([others, numbers]);
  return numbers;
}

/** The series with these labels; `undefined` if there is none. */
export function seriesOf(series: readonly Series[] | undefined, labels: readonly Label[]): Series | undefined {
  return series?.find(([known]) => known.length === labels.length && known.every((label, index) => label === labels[index]));
}

/** Counts a value in a histogram. @param bounds Upper bounds, inclusive, ascending. */
export function observe(numbers: number[], bounds: readonly number[], value: number): void {
  let index = 0;
  while (index < bounds.length && value > bounds[index]!) index++;
  while (numbers.length < index + 2) numbers.push(0);
  numbers[0]! += value;
  numbers[index + 1]!++;
}

/** How many values a histogram has seen. */
export function countOf(numbers: readonly number[]): number {
  let count = 0;
  for (let index = 1; index < numbers.length; index++) count += numbers[index]!;
  return count;
}

/** What several sources have counted together: the sum, series by series. None of them is changed. */
export function merged(...sources: readonly SeriesByKey[]): SeriesByKey {
  const all: Record<string, Series[]> = {};
  for (const [key, list] of sources.flatMap((source) => Object.entries(source))) {
    const series = (all[key] ??= []);
    const most = isUserKey(key) ? MAX_SERIES_OF_ONE : MAX_SERIES;
    for (const [labels, numbers] of list) addTo(numbersOf(series, labels, most), numbers);
  }
  return all;
}

/** Adds numbers to others. @param sign -1 takes them away. @param place Where they begin in the sum. */
export function addTo(sum: number[], numbers: readonly number[], sign: 1 | -1 = 1, place = 0): void {
  while (sum.length < place + numbers.length) sum.push(0);
  for (let index = 0; index < numbers.length; index++) sum[place + index]! += sign * numbers[index]!;
}

/** The numbers of several series, added up; at least one number. */
export function summed(series: readonly Series[]): number[] {
  const sum: number[] = [0];
  for (const [, numbers] of series) addTo(sum, numbers);
  return sum;
}
