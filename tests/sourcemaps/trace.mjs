// Looks positions of a source map up with @jridgewell/trace-mapping, half of them at the start of a segment.
// Usage: node trace.mjs MAP SEED COUNT. Writes the sources, and for each position [line, column, answers]: what each of
// the segments maps to that start at the generated position found, as ECMA-426 lets a reader answer with any of them.
// An answer is [source, line, column, name] from 0 on, or null where a segment maps to nothing.
import { readFileSync } from "node:fs";
import {
  GREATEST_LOWER_BOUND,
  FlattenMap,
  decodedMappings,
  originalPositionFor,
  traceSegment,
} from "@jridgewell/trace-mapping";

const [file, seed, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const map = new FlattenMap(readFileSync(file, "utf8").replace(/^\)\]\}'[^\n]*\n/, ""));
const lines = decodedMappings(map);

let state = seed;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
}

/** Returns the first index from which on a condition holds; it must not change back. */
function firstWhere(length, holds) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const ends = [];
let total = 0;
for (const segments of lines) ends.push((total += segments.length));

function answer([, source, line, column, name]) {
  return source === undefined ? null : [source, line, column, name === undefined ? null : map.names[name]];
}

function answersAt(line, column) {
  const found = traceSegment(map, line, column);
  if (!found) return [null];
  const segments = lines[line];
  const answers = [];
  let at = firstWhere(segments.length, (index) => segments[index][0] >= found[0]);
  while (segments[at]?.[0] === found[0]) answers.push(answer(segments[at++]));
  const position = originalPositionFor(map, { line: line + 1, column, bias: GREATEST_LOWER_BOUND });
  const said = position.line === null ? null : [position.line - 1, position.column];
  if (!answers.some((each) => (each === null ? said === null : said && each[1] === said[0] && each[2] === said[1]))) {
    throw new Error(`trace-mapping contradicts itself at ${line}:${column}`);
  }
  return answers;
}

const positions = [];
for (let number = 0; number < count; number += 1) {
  const segment = random(total);
  const line = firstWhere(ends.length, (index) => ends[index] > segment);
  const start = lines[line][segment - ends[line] + lines[line].length][0];
  const furthest = lines[line][lines[line].length - 1][0] + 20;
  const column = number % 2 === 0 ? start : random(furthest);
  positions.push([line, column, answersAt(line, column)]);
}
for (const line of [lines.length, lines.length + 7]) positions.push([line, 0, [null]]);
process.stdout.write(JSON.stringify({ sources: map.sources, positions }));
